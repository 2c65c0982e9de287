import type { Kubectl } from '../cluster/kubectl.ts';
import type { PodState } from '../cluster/read-pods.ts';
import type { ProbeAnswerThere } from '../cluster/read-probe-answer.ts';
import type { WaitEnd } from '../cluster/wait-ready.ts';
import { RunRecord } from '../diagnose/run-record.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Emit } from '../model/event.ts';
import type { ReplicaEvidence } from '../model/evidence.ts';
import type { FailureCard } from '../model/failure-card.ts';
import { formatDuration } from '../ui/describe-event.ts';
import type { Io } from './io.ts';
import { openRenderer } from './run-plan.ts';

interface AwaitedGraph {
  readonly kubectl: Kubectl;
  readonly name: string;
  readonly namespace: string | undefined;
  /** The command that takes it out of the cluster again. */
  readonly undo: string;
}

interface AwaitFlags {
  readonly waitTimeout: number;
  readonly smoke?: boolean;
  readonly progress?: string;
}

/** Lines of a log that a card carries. */
const LAST_LINES = 20;

/**
 * Shows a graph of a cluster come up, pod by pod in the words of `up`, until it is ready (and, with `--smoke`, has answered). A failure
 * is a card like those of `up`; nothing in the cluster is changed by it, nor by Ctrl-C.
 */
export async function awaitGraph(graph: AwaitedGraph, flags: AwaitFlags, io: Io): Promise<void> {
  const { kubectl, name, namespace, undo } = graph;
  const { waitReady } = await import('../cluster/wait-ready.ts');
  const { emit: show, close } = await openRenderer(io, flags.progress);
  const record = new RunRecord();
  const emit: Emit = (body) => {
    record.handle({ time: io.clock.now(), ...body });
    show(body);
  };
  const startedAt = io.clock.now();
  try {
    const end = await waitReady(
      kubectl,
      { name, namespace },
      {
        clock: io.clock,
        signal: io.interrupted,
        timeoutMs: flags.waitTimeout,
        onChange: (said) => emit({ type: 'graph-status', graph: name, text: said }),
        onPod: ({ name: replica, stage, detail }) =>
          emit({ type: 'replica-stage', replica, stage, ...(detail === undefined ? {} : { detail }) }),
      },
    );
    if (end.failure) throw await explain(end.failure, end.pods, { graph, record, emit, io });
    if (flags.smoke) await smoke(graph, emit, io);
    emit({ type: 'done', summary: `${name}: ready after ${formatDuration(io.clock.now() - startedAt)}` });
  } catch (error) {
    if (io.interrupted.aborted)
      emit({ type: 'stopping', reason: `interrupted; the cluster goes on with ${name}, to undo: ${undo}` });
    throw error;
  } finally {
    await close();
  }
}

async function smoke({ kubectl, name, namespace }: AwaitedGraph, emit: Emit, io: Io): Promise<void> {
  const [{ smokeCluster }, { chooseChecks }, { readPlace }] = await Promise.all([
    import('./smoke-cluster.ts'),
    import('../smoke/run-suite.ts'),
    import('../cluster/read-place.ts'),
  ]);
  const place = await readPlace(kubectl, namespace);
  const words = [...(place.cluster === undefined ? [] : [`cluster ${place.cluster}`]), `namespace ${place.namespace}`];
  const message = `smoke checks of graph ${name}, ${words.join(', ')}`;
  emit({ type: 'notice', diagnostic: { severity: 'notice', code: 'SMOKE', message } });
  const names = chooseChecks(undefined);
  const results = await smokeCluster({ kubectl, graph: name, namespace, names, io }, io.interrupted);
  for (const result of results) emit({ type: 'smoke-check', ...result });
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  const [first] = failed;
  if (first === undefined) return;
  throw new UserError(
    'SMOKE_FAILED',
    `smoke checks failed: ${failed.map(({ check }) => check).join(', ')}: ${first.detail}`,
    {
      exitCode: EXIT.smokeFailed,
      hint: `dynamo smoke -g ${name} asks again`,
    },
  );
}

interface ExplainContext {
  readonly graph: AwaitedGraph;
  readonly record: RunRecord;
  readonly emit: Emit;
  readonly io: Io;
}

/** The failure with the card of the pod that it is about; without such a pod it stays as it is. */
async function explain(
  failure: NonNullable<WaitEnd['failure']>,
  pods: readonly PodState[],
  { graph, record, emit, io }: ExplainContext,
): Promise<UserError> {
  const culprit = pods.find((pod) => pod.name === failure.replica) ?? pods.find(({ stage }) => stage !== 'ready');
  if (culprit === undefined || failure.code === 'OPERATOR_SILENT' || failure.code === 'GRAPH_FAILED') return failure;
  const { explainFailure } = await import('../diagnose/explain-failure.ts');
  const { readProbeAnswer } = await import('../cluster/read-probe-answer.ts');
  const [lastLines, probed] = await Promise.all([
    readLastLines(culprit, graph),
    culprit.stage === 'started' ? readProbeAnswer(graph.kubectl, culprit.name, graph.namespace) : undefined,
  ]);
  const explained = explainFailure({
    failure: {
      // The death of a container is explained as it is here.
      code: failure.code === 'CRASH_LOOP' ? 'CONTAINER_DIED' : failure.code,
      exitCode: failure.exitCode,
      message: failure.message,
      hint: failure.hint,
      replica: culprit.name,
    },
    evidence: {
      replicas: pods.map((pod) =>
        pod === culprit ? { ...evidenceOf(pod, lastLines), ...seenBy(probed) } : evidenceOf(pod, []),
      ),
      routing: undefined,
    },
    project: graph.name,
    standing: (replica) => record.standing(replica),
    died: pods.flatMap(({ name, trouble }) => (trouble?.ended ? [name] : [])),
    now: io.clock.now(),
  });
  const place = graph.namespace === undefined ? '' : ` -n ${graph.namespace}`;
  const card: FailureCard = { ...explained, next: `kubectl describe pod ${culprit.name}${place}` };
  emit({ type: 'failed', card });
  return new UserError(card.code, card.message, {
    exitCode: card.exitCode,
    hint: card.hint,
    replica: card.replica,
    card,
  });
}

function seenBy(probed: ProbeAnswerThere | undefined): Partial<ReplicaEvidence> {
  return probed === undefined ? {} : { lastAnswer: probed.answer, probe: `its ${probed.probe.toLowerCase()} probe` };
}

function evidenceOf(pod: PodState, lastLines: readonly string[]): ReplicaEvidence {
  const ended = pod.trouble?.ended;
  return {
    replica: pod.name,
    component: pod.component,
    infra: false,
    ready: pod.stage === 'ready',
    ended: ended && { ...ended, memoryLimited: ended.oomKilled },
    lastAnswer: undefined,
    probe: undefined,
    missing: [],
    lastLines,
  };
}

/** What its container said last, before it was started again where it was; nothing where that cannot be read. */
async function readLastLines(pod: PodState, { kubectl, namespace }: AwaitedGraph): Promise<readonly string[]> {
  const container = pod.trouble?.container;
  const args = [
    'logs',
    pod.name,
    `--tail=${LAST_LINES}`,
    ...(container === undefined ? [] : [`--container=${container}`]),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
  ];
  const read = (...more: readonly string[]) =>
    kubectl.text([...args, ...more]).catch((error: unknown) => {
      if (error instanceof UserError) return '';
      throw error;
    });
  const text = (pod.restarts > 0 ? await read('--previous') : '') || (await read());
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LAST_LINES);
}
