import { UserError } from '../model/diagnostic.ts';
import { type ClassifiedLaunch, classifyLaunch, isProcessor } from './classify-launch.ts';
import type { Notes } from './interpret-notices.ts';
import { countOf, flagValue } from './launch-flags.ts';
import { portsOf } from './launch-ports.ts';
import type { Recording } from './recording.ts';

/** Classifies launches and leaves out what is no component, each said by name and line. Throws UserError when nothing is left. */
export function selectLaunches(recording: Recording, notes: Notes): readonly ClassifiedLaunch[] {
  const all = recording.launches.map(classifyLaunch);
  const prefill = all.some((launch) => launch.role === 'prefill' && isWorker(launch));
  const frontendPorts = all.filter(({ kind }) => kind === 'frontend').flatMap((launch) => portsOf(launch.launch));
  const selected = all.flatMap((launch, index) => {
    const isLast = index === all.length - 1;
    const waitedFor = all.some((other) =>
      other.launch.after.some((wait) => wait.kind === 'exit' && wait.launches.includes(launch.index)),
    );
    const place = { ...launch };
    if (launch.kind === 'infrastructure') {
      notes.say('notice', 'INFRASTRUCTURE_DROPPED', `${launch.program} is left out: the graph has its own`, launch);
      return [];
    }
    const isShort = launch.kind === 'unknown' || (launch.kind === 'worker' && !launch.program.startsWith('dynamo.'));
    const endsBefore = waitedFor || (!launch.launch.background && !isLast);
    if (launch.kind === 'helper' || (endsBefore && isShort)) {
      notes.say(
        'notice',
        'HELPER_DROPPED',
        `${launch.program} is left out: the script waits for its end and goes on`,
        launch,
      );
      return [];
    }
    if (endsBefore && launch.kind !== 'foreign' && !launch.launch.background) {
      notes.say(
        'notice',
        'STARTED_TOGETHER',
        `the script would go on only when ${launch.program} has ended: here both run`,
        launch,
      );
    }
    if (isClient(launch, frontendPorts)) {
      notes.say('notice', 'CLIENT_DROPPED', `${launch.program} is left out: it asks the graph as its users do`, launch);
      return [];
    }
    if (launch.kind === 'foreign') {
      notes.say(
        isRank(launch) ? 'error' : 'warning',
        'NOT_A_CONTAINER',
        `${launch.argv.slice(0, 3).join(' ')} cannot be a container of the graph and is left out`,
        launch,
      );
      return [];
    }
    const nodes = countOf(flagValue(launch.argv, '--nnodes', '--num-nodes'));
    if (nodes !== undefined && nodes > 1)
      notes.say(
        'error',
        'SEVERAL_NODES',
        `${launch.program} is one node of ${nodes}`,
        launch,
        'write it as multinode.nodeCount of a component',
      );
    // Rule 2: beside a prefill worker, an engine without a role decodes.
    return [prefill && place.role === undefined && isWorker(place) ? { ...place, role: 'decode' as const } : place];
  });
  if (selected.length === 0) {
    throw new UserError('NOTHING_STARTED', `${recording.script} starts nothing that could be a component`, {
      hint: 'look at what it starts with convert --to launches',
      details: recording.output.trim().split('\n').slice(-15).join('\n'),
      diagnostics: [...recording.notices, ...notes.all()],
    });
  }
  return selected;
}

/** Scripts that people start beside a graph to put load on it or to try it. */
const CLIENT_NAME = /bench|client|load_?(?:test|gen)|genai_?perf|aiperf|warm_?up|smoke/i;

/** A Python script of the user's own that speaks to the frontend, or is called after what clients do. */
function isClient({ kind, program, argv, launch }: ClassifiedLaunch, ports: readonly number[]): boolean {
  if (kind !== 'worker' || !program.endsWith('.py')) return false;
  const texts = [...argv, ...Object.values(launch.env)];
  const speaks = ports.some((port) =>
    texts.some((text) => new RegExp(`(?:localhost|127\\.0\\.0\\.1|0\\.0\\.0\\.0):${port}\\b`).test(text)),
  );
  return speaks || CLIENT_NAME.test(program);
}

function isRank({ program }: ClassifiedLaunch): boolean {
  return ['mpirun', 'mpiexec', 'srun', 'torchrun', 'ray', 'ssh'].includes(program);
}

/** Those that a prefill worker stands beside: Dynamo's engines and the mocker, not processors or encoders. */
function isWorker({ kind, program, argv }: ClassifiedLaunch): boolean {
  return (
    kind === 'mocker' ||
    kind === 'sidecar' ||
    (kind === 'worker' && /^dynamo\.(?:vllm|sglang|trtllm)$/.test(program) && !isProcessor({ argv, program }))
  );
}
