import type { Command } from 'commander';
import type { Kubectl } from '../cluster/kubectl.ts';
import { type Diagnostic, formatDiagnostic, throwOnErrors } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { type Node, stringAt } from '../model/node.ts';
import { connectCluster } from './cluster-flags.ts';
import { addClusterGraphFlags, type ClusterGraphFlags, readClusterGraph } from './cluster-graph.ts';
import { parseDuration } from './duration.ts';
import { type Io, say } from './io.ts';

interface PushFlags extends ClusterGraphFlags {
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly waitTimeout: number;
}

/** Milliseconds: images of 20 GB are pulled, and models loaded. */
const WAIT_MS = 3_600_000;

/** `dynamo push`: a graph of a file to a cluster; nothing there is ever deleted. */
export function registerPush(program: Command, io: Io): void {
  addClusterGraphFlags(
    program
      .command('push')
      .description('hand a graph to a cluster with the Dynamo operator')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin'),
  )
    .option('--dry-run', 'ask the cluster whether it would take it; changes nothing')
    .option('--no-wait', 'return when it is applied')
    .option(
      '--wait-timeout <duration>',
      'give up waiting by then; the graph stays',
      (text) => parseDuration(text, '--wait-timeout'),
      WAIT_MS,
    )
    .action((file: string, flags: PushFlags) => push(file, flags, io));
}

async function push(file: string, flags: PushFlags, io: Io): Promise<void> {
  const kubectl = await connectCluster(flags, io);
  const [{ checkAdmission }, { graphDocuments }, { applyDocuments }] = await Promise.all([
    import('../operator/check-admission.ts'),
    import('../convert/graph-documents.ts'),
    import('../cluster/apply-graph.ts'),
  ]);
  const { graph, generation, diagnostics } = await readClusterGraph({ file, scriptArgs: [] }, flags, kubectl, io);
  const namespace = flags.namespace ?? graph.namespace;
  const refused = [...placeholders(graph), ...checkAdmission(graph, generation)];
  sayProblems([...diagnostics, ...refused], io);
  throwOnErrors(refused);
  const missing = await checkNamed(kubectl, graph, namespace);
  sayProblems([...missing, ...secretsStay(graph)], io);
  throwOnErrors(missing);
  const [document, ...companions] = graphDocuments({
    ...graph,
    companions: { ...graph.companions, secrets: new Map() },
  });
  if (!document) throw new Error('a graph is a document');
  const dryRun = flags.dryRun ?? false;
  await applyDocuments(kubectl, [...companions, document], { namespace, dryRun });
  const place = namespace === undefined ? '' : ` -n ${namespace}`;
  if (dryRun) return say(io, `${graph.name}: the cluster would take it; nothing is changed`);
  say(io, `${graph.name}: applied; to undo: kubectl delete dynamographdeployment ${graph.name}${place}`);
  if (!flags.wait) return;
  const { waitReady } = await import('../cluster/wait-ready.ts');
  await waitReady(
    kubectl,
    { name: graph.name, namespace },
    {
      clock: io.clock,
      signal: io.interrupted,
      timeoutMs: flags.waitTimeout,
      onChange: (said) => say(io, `${graph.name}: ${said}`),
    },
  );
  say(io, `${graph.name}: ready`);
}

/** What is no error; errors are said by the one that throws them. */
function sayProblems(problems: readonly Diagnostic[], io: Io): void {
  for (const problem of problems) if (problem.severity !== 'error') say(io, formatDiagnostic(problem));
}

async function checkNamed(
  kubectl: Kubectl,
  graph: Graph,
  namespace: string | undefined,
): Promise<readonly Diagnostic[]> {
  const [{ namedObjects }, { missingObjects }] = await Promise.all([
    import('../cluster/named-objects.ts'),
    import('../cluster/missing-objects.ts'),
  ]);
  // Claims of the file go along.
  const there = namedObjects(graph.spec).filter(
    ({ kind, name }) => kind === 'secret' || !graph.companions.claims.has(name),
  );
  return missingObjects(kubectl, there, namespace);
}

function secretsStay({ companions }: Graph): readonly Diagnostic[] {
  const names = [...companions.secrets.keys()];
  if (names.length === 0) return [];
  const message = `Secrets of the file are not sent: ${names.join(', ')}; those of the cluster are used`;
  return [{ severity: 'notice', code: 'SECRETS_STAY', message }];
}

/** Upstream's examples name images that nobody can pull: `my-tag`, `my-registry/`. */
function placeholders(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written }) =>
    imagesOf(written)
      .filter((node) => /:my-tag$|^my-registry\//.test(String(node.value)))
      .map(
        (node): Diagnostic => ({
          severity: 'error',
          code: 'IMAGE_PLACEHOLDER',
          message: `${name}: "${node.value}" stands for an image of your own`,
          ...(node.origin.kind === 'file' ? { at: node.origin.at } : {}),
          hint: 'give it with --image [COMPONENT=]REF, or its tag with --tag',
        }),
      ),
  );
}

function imagesOf(node: Node): readonly Extract<Node, { kind: 'scalar' }>[] {
  if (node.kind === 'list') return node.items.flatMap(imagesOf);
  if (node.kind === 'scalar') return [];
  const own = node.fields.get('image');
  const image = own?.kind === 'scalar' && stringAt(node, 'image') !== undefined ? [own] : [];
  return [...image, ...[...node.fields.values()].flatMap(imagesOf)];
}
