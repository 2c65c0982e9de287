import { type Command, Option } from 'commander';
import type { Kubectl } from '../cluster/kubectl.ts';
import { type Diagnostic, formatDiagnostic, throwOnErrors, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { connectCluster } from './cluster-flags.ts';
import { addClusterGraphFlags, type ClusterGraphFlags, readClusterGraph } from './cluster-graph.ts';
import { parseDuration } from './duration.ts';
import { type Io, print, say } from './io.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

interface PushFlags extends ClusterGraphFlags {
  readonly dryRun?: boolean;
  readonly smoke?: boolean;
  readonly createSecrets?: readonly string[];
  readonly keepHostPaths?: boolean;
  readonly forceConflicts?: boolean;
  readonly progress?: string;
  readonly mock?: boolean;
  readonly shareGpus?: string | boolean;
  readonly wait: boolean;
  readonly waitTimeout: number;
}

interface PushInput {
  readonly file: string;
  readonly scriptArgs: readonly string[];
}

/** Milliseconds: images of 20 GB are pulled, and models loaded. */
const WAIT_MS = 3_600_000;

/** `dynamo push`: a graph of a file to a cluster; nothing there is ever deleted. */
export function registerPush(program: Command, io: Io): void {
  addClusterGraphFlags(
    program
      .command('push')
      .description('hand a graph to a cluster with the Dynamo operator')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('--dry-run', 'ask the cluster whether it would take it; changes nothing')
    .option('--no-wait', 'return when it is applied')
    .addOption(
      new Option('--wait-timeout <duration>', 'give up waiting by then; the graph stays')
        .argParser((text) => parseDuration(text, '--wait-timeout'))
        .default(WAIT_MS, '1h'),
    )
    .option('--smoke', 'when it is ready, ask what its users will ask; exit 6 when an answer is wrong')
    .addOption(
      new Option('--create-secrets <names>', 'Secrets to make there from what runs here, comma-separated').argParser(
        (text: string) => text.split(',').map((name) => name.trim()),
      ),
    )
    .option('--keep-host-paths', 'send folders of hosts that the graph mounts: every node has them')
    .option('--force-conflicts', 'take over fields that others hold with other values')
    .option('--progress <mode>', 'auto, tty, plain, json or quiet')
    .addOption(new Option('--mock').hideHelp())
    .addOption(new Option('--share-gpus [n]').hideHelp())
    .action((file: string, args: readonly string[], flags: PushFlags, command: Command) =>
      push({ file, scriptArgs: scriptArguments(args, command) }, flags, io),
    );
}

async function push(input: PushInput, flags: PushFlags, io: Io): Promise<void> {
  const kubectl = await connectCluster(flags, io);
  refuseLocal(flags);
  const { graph, generation, diagnostics, isScript, secrets } = await readClusterGraph(input, flags, kubectl, io);
  const namespace = flags.namespace ?? graph.namespace;
  const [{ checkAdmission }, checks, { secretsToCreate }] = await Promise.all([
    import('../operator/check-admission.ts'),
    import('./push-checks.ts'),
    import('./create-secrets.ts'),
  ]);
  const refused = [
    ...checks.placeholders(graph),
    ...(flags.keepHostPaths ? [] : [...checks.hostFolders(graph), ...(isScript ? checks.hostArguments(graph) : [])]),
    ...checkAdmission(graph, generation),
  ];
  sayProblems([...diagnostics, ...refused], io);
  throwOnErrors(refused);
  await checks.checkNamespace(kubectl, namespace);
  const created = await secretsToCreate(flags.createSecrets ?? [], { graph, ofScript: secrets }, io);
  const names = new Set(created.keys());
  const [missing, { describeFacts, judgeRoom, readFacts }] = await Promise.all([
    checks.missingFor(kubectl, graph, { namespace, secrets: names }),
    import('../cluster/read-facts.ts'),
  ]);
  const facts = await readFacts(kubectl);
  const known = describeFacts(facts);
  sayProblems(
    [...(known ? [known] : []), ...missing, ...checks.secretsThatStay(graph, names), ...judgeRoom(facts, graph)],
    io,
  );
  throwOnErrors(missing);
  if (isScript) await showGraph(graph, io);
  await send(kubectl, { graph, created, namespace }, flags, io);
  if (flags.dryRun || !flags.wait) return;
  const { awaitGraph } = await import('./await-graph.ts');
  await awaitGraph({ kubectl, name: graph.name, namespace, undo: undoCommand(graph, namespace, flags) }, flags, io);
}

/** Flags of `up` that mean this machine. */
function refuseLocal({ mock, shareGpus }: PushFlags): void {
  const flag = mock ? '--mock' : shareGpus === undefined ? undefined : '--share-gpus';
  if (flag === undefined) return;
  throw new UserError('INVALID_FLAG', `${flag} is for this machine: a cluster runs the graph as it is written`, {
    hint: `leave it out; dynamo up ${flag} takes it`,
  });
}

/** What a script became: nobody has read it yet. */
async function showGraph(graph: Graph, io: Io): Promise<void> {
  const [{ graphDocuments }, { writeYaml }] = await Promise.all([
    import('../convert/graph-documents.ts'),
    import('../convert/write-yaml.ts'),
  ]);
  print(io, writeYaml(graphDocuments({ ...graph, companions: { ...graph.companions, secrets: new Map() } })));
}

interface Sent {
  readonly graph: Graph;
  readonly created: Graph['companions']['secrets'];
  readonly namespace: string | undefined;
}

async function send(kubectl: Kubectl, { graph, created, namespace }: Sent, flags: PushFlags, io: Io): Promise<void> {
  const [{ graphDocuments }, { applyDocuments }] = await Promise.all([
    import('../convert/graph-documents.ts'),
    import('../cluster/apply-graph.ts'),
  ]);
  const [document, ...companions] = graphDocuments({
    ...graph,
    companions: { ...graph.companions, secrets: created },
  });
  if (!document) throw new Error('a graph is a document');
  const dryRun = flags.dryRun ?? false;
  await applyDocuments(kubectl, [...companions, document], { namespace, dryRun, force: flags.forceConflicts ?? false });
  if (dryRun) return say(io, `${graph.name}: the cluster would take it; nothing is changed`);
  say(io, `${graph.name}: applied; to undo: ${undoCommand(graph, namespace, flags)}`);
}

function undoCommand({ name }: Graph, namespace: string | undefined, { context }: PushFlags): string {
  const place = [...(namespace === undefined ? [] : ['-n', namespace]), ...(context ? ['--context', context] : [])];
  return ['kubectl delete dynamographdeployment', name, ...place].join(' ');
}

/** What is no error; errors are said by the one that throws them. */
function sayProblems(problems: readonly Diagnostic[], io: Io): void {
  for (const problem of problems) if (problem.severity !== 'error') say(io, formatDiagnostic(problem));
}
