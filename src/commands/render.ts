import { type Command, Option } from 'commander';
import { type Diagnostic, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { fromJson, type Json, type MapNode, toJson } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, print, printJson, say } from './io.ts';
import { operatorGeneration } from './operator-generation.ts';
import { readGraph } from './read-graph.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

interface RenderFlags extends GraphFlags {
  readonly cluster?: boolean;
  readonly local?: boolean;
  readonly format: string;
}

interface Input {
  readonly file: string;
  readonly scriptArgs: readonly string[];
}

/** `dynamo render`: what a cluster would run, or what runs here; starts nothing. */
export function registerRender(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('render')
      .description('write what a cluster would create, or what runs here')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('--cluster', 'the Deployments, Services and claims that the operator would create (the default)')
    .option('--local', 'the containers of this machine, and every deviation from the cluster')
    .addOption(new Option('--format <format>').choices(['yaml', 'json']).default('yaml'))
    .action(async (file: string, args: readonly string[], flags: RenderFlags, command: Command) => {
      if (flags.cluster && flags.local)
        throw new UserError('INVALID_FLAG', '--cluster and --local exclude one another');
      if (flags.mock && !flags.local)
        throw new UserError('INVALID_FLAG', '--mock is of this machine alone', { hint: 'add --local' });
      const input = { file, scriptArgs: scriptArguments(args, command) };
      const documents = await (flags.local ? renderLocal(input, flags, io) : renderCluster(input, flags, io));
      if (flags.format === 'json') return printJson(io, documents);
      const { writeYaml } = await import('../convert/write-yaml.ts');
      print(io, writeYaml(documents.map(asMap)));
    });
}

function asMap(document: Json): MapNode {
  const node = fromJson(document, { kind: 'flag', flag: 'render' });
  if (node.kind !== 'map') throw new Error('a rendered document is a map');
  return node;
}

function sayAll(diagnostics: readonly Diagnostic[], io: Io): void {
  for (const diagnostic of diagnostics) say(io, formatDiagnostic(diagnostic));
}

/** What a cluster would refuse is rendered all the same, the refusal said as a warning. */
async function refusals(graph: Graph, generation: OperatorGeneration): Promise<readonly Diagnostic[]> {
  const { checkAdmission } = await import('../operator/check-admission.ts');
  return checkAdmission(graph, generation).map((finding) => ({
    ...finding,
    severity: 'warning',
    ...(finding.severity === 'error' ? { hint: `operator ${generation} would refuse the graph` } : {}),
  }));
}

const SAID: readonly string[] = ['NO_RUNTIME_VERSION', 'IMAGE_MISSING', 'CHECKPOINT_DISABLED', 'GMS_INTER_POD'];

async function renderCluster(input: Input, flags: RenderFlags, io: Io): Promise<readonly Json[]> {
  const generation = operatorGeneration(flags.operatorVersion);
  const read = await readGraph({ ...input, flags, generation, lenient: true }, io);
  const [{ resolveGraph }, { clusterDocuments }] = await Promise.all([
    import('../operator/resolve-graph.ts'),
    import('../operator/cluster-documents.ts'),
  ]);
  const resolved = resolveGraph(read.graph, { generation });
  const why =
    flags.operatorVersion === undefined ? `the newest that knows ${read.graph.apiVersion}` : '--operator-version';
  const notice: Diagnostic = {
    severity: 'notice',
    code: 'VERSION_ASSUMED',
    message: `merged as operator ${generation} does (${why})`,
  };
  const own = resolved.diagnostics.filter(({ code }) => !SAID.includes(code));
  sayAll([notice, ...read.diagnostics, ...(await refusals(read.graph, generation)), ...own], io);
  return clusterDocuments(resolved).map(toJson);
}

async function renderLocal(input: Input, flags: RenderFlags, io: Io): Promise<readonly Json[]> {
  const [{ connectGraph }, { loadProject }, { localDocuments }] = await Promise.all([
    import('./connect.ts'),
    import('./load-project.ts'),
    import('../plan/local-documents.ts'),
  ]);
  const loaded = await loadProject(input, flags, io, await connectGraph(flags, io), { looksOnly: true });
  const { shortage } = loaded;
  sayAll(loaded.desired.notices, io);
  if (shortage) {
    const { code, message } = shortage;
    const hint = 'up would refuse it; containers are written without the GPUs they get';
    sayAll([{ severity: 'warning', code, message, hint }], io);
  }
  return localDocuments(loaded.desired, loaded.deviations);
}
