import { type Command, Option } from 'commander';
import type { Difference } from '../cluster/diff-objects.ts';
import { formatDiagnostic } from '../model/diagnostic.ts';
import { type MapNode, mapAt, withField } from '../model/node.ts';
import { connectCluster } from './cluster-flags.ts';
import { addClusterGraphFlags, type ClusterGraphFlags, readClusterGraph } from './cluster-graph.ts';
import type { LocalDifference } from './diff-local.ts';
import { type Io, print, printJson, say } from './io.ts';
import type { ProjectInput } from './load-project.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

interface DiffFlags extends ClusterGraphFlags {
  readonly local?: boolean;
  readonly format: string;
}

/** `dynamo diff`: where a file and what the cluster has of it differ; changes nothing. */
export function registerDiff(program: Command, io: Io): void {
  addClusterGraphFlags(
    program
      .command('diff')
      .description('say where a file and the graph in a cluster differ')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('--local', 'what runs here against what would run in a cluster; asks neither')
    .addOption(new Option('--format <format>').choices(['text', 'json']).default('text'))
    .action((file: string, args: readonly string[], flags: DiffFlags, command: Command) =>
      (flags.local ? showLocal : diff)({ file, scriptArgs: scriptArguments(args, command) }, flags, io),
    );
}

async function showLocal(input: ProjectInput, flags: DiffFlags, io: Io): Promise<void> {
  const { diffLocal } = await import('./diff-local.ts');
  const found = await diffLocal(input, flags, io);
  if (flags.format === 'json') return printJson(io, found);
  if (found.length === 0) return say(io, 'what runs here is what a cluster would run');
  print(io, found.map(formatLocal).join('\n'));
}

function formatLocal({ path, here, cluster, reason }: LocalDifference): string {
  return `${path}\n  here     ${quoted(here)}\n  cluster  ${quoted(cluster)}\n  because  ${reason}`;
}

function quoted(value: string | undefined): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}

async function diff(
  input: { readonly file: string; readonly scriptArgs: readonly string[] },
  flags: DiffFlags,
  io: Io,
): Promise<void> {
  const kubectl = await connectCluster(flags, io);
  const { graph, generation, diagnostics } = await readClusterGraph(input, flags, kubectl, io);
  for (const diagnostic of diagnostics) say(io, formatDiagnostic(diagnostic));
  const [{ getGraph }, { stripObject }, { diffObjects }, { graphDocuments }, { admitObject }] = await Promise.all([
    import('../cluster/get-graph.ts'),
    import('../cluster/strip-object.ts'),
    import('../cluster/diff-objects.ts'),
    import('../convert/graph-documents.ts'),
    import('../operator/crd-defaults.ts'),
  ]);
  const namespace = flags.namespace ?? graph.namespace;
  const theirs = await getGraph(kubectl, { name: graph.name, namespace }, graph.apiVersion);
  const [ours] = graphDocuments(graph);
  if (!ours) throw new Error('a graph is a document');
  const admit = (object: MapNode) => withoutNamespace(admitObject(object, generation));
  const found = diffObjects(admit(stripObject(ours)), admit(theirs));
  if (flags.format === 'json') return printJson(io, found);
  if (found.length === 0) return say(io, `${graph.name}: the cluster has what the file says`);
  print(io, found.map(formatDifference).join('\n'));
}

/** Where it is looked for, not what it is. */
function withoutNamespace(object: MapNode): MapNode {
  const metadata = mapAt(object, 'metadata');
  return metadata ? withField(object, 'metadata', withField(metadata, 'namespace', undefined)) : object;
}

function formatDifference({ path, file, cluster }: Difference): string {
  const here = file ? `${JSON.stringify(file.value)} (${file.from})` : 'not there';
  const there = cluster ? JSON.stringify(cluster.value) : 'not there';
  return `${path}\n  file     ${here}\n  cluster  ${there}`;
}
