import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import { fetchGraph, type GraphAddress, graphResource } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';
import { type PodState, podSelector, readPods } from './read-pods.ts';

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Called whenever the operator says something else of the graph: `pending: Resources not ready: …`. */
  readonly onChange: (said: string) => void;
  /** Called whenever a pod of the graph stands elsewhere, and with stage `removed` when it is gone. */
  readonly onPod: (pod: PodState) => void;
}

/** How a wait ended, and the pods as they were last seen. */
export interface WaitEnd {
  /** Undefined: the graph is ready. */
  readonly failure: UserError | undefined;
  readonly pods: readonly PodState[];
}

/** Milliseconds between two looks where nothing tells of a change; the operator itself writes its status less often. */
const EVERY_MS = 2000;
/** A pull that has failed for so long is not slow. */
const PULL_HOPELESS_MS = 60_000;
/** An API server that is rolled out again, or a laptop that changes networks, is away for so long. */
const UNREACHABLE_MS = 60_000;
const UNREACHABLE: readonly string[] = ['CLUSTER_UNREACHABLE', 'KUBECTL_TIMEOUT'];

interface Status {
  /** Undefined until the operator has seen the graph as it is now. */
  readonly state: string | undefined;
  readonly message: string;
}

/**
 * Waits until the operator says that every resource of the graph is ready (status.state `successful`, operator.md §8.1). Looks again
 * whenever the cluster tells of a change, and now and then. It fails with GRAPH_FAILED (exit 4) when the operator cannot make the graph,
 * with the code of a pod that will not come up (exit 4), with OPERATOR_SILENT or NOT_READY (exit 5) when the time is over; the graph
 * stays. Rejects with what `kubectl` rejects with; a cluster that does not answer is asked again for a minute.
 */
export async function waitReady(kubectl: Kubectl, address: GraphAddress, options: WaitOptions): Promise<WaitEnd> {
  const { clock, signal, timeoutMs, onChange } = options;
  const stop = new AbortController();
  const wake = new Wake(clock);
  const watched = AbortSignal.any([signal, stop.signal]);
  for (const what of [graphResource(address), podSelector(address)]) kubectl.watch(what, () => wake.up(), watched);
  const pods = new PodLooks(kubectl, address, options);
  const end = clock.now() + timeoutMs;
  let before = '';
  let awaySince: number | undefined;
  try {
    for (;;) {
      const look = await Promise.all([fetchGraph(kubectl, address).then(readStatus), pods.look(clock.now())]).catch(
        (error: unknown) => {
          if (!(error instanceof UserError) || !UNREACHABLE.includes(error.code)) throw error;
          if (awaySince === undefined) onChange(`${error.message}: it is asked again`);
          awaySince ??= clock.now();
          if (clock.now() - awaySince >= UNREACHABLE_MS || clock.now() >= end) throw error;
          return undefined;
        },
      );
      if (look === undefined) {
        before = '';
        await wake.wait(EVERY_MS, signal);
        continue;
      }
      awaySince = undefined;
      const [{ state, message }, seen] = look;
      if (state === 'successful') return { failure: undefined, pods: seen };
      const said = [state, message].filter(Boolean).join(': ');
      if (state === 'failed') return { failure: graphFailed(address, message), pods: seen };
      if (said !== before && said !== '') onChange(said);
      before = said;
      const lost = pods.hopeless(clock.now());
      if (lost) return { failure: lost, pods: seen };
      if (clock.now() >= end) return { failure: tooLate(state, said, { timeoutMs, pods: seen }), pods: seen };
      await wake.wait(Math.min(EVERY_MS, end - clock.now()), signal);
    }
  } finally {
    stop.abort();
  }
}

/** Sleep that a change of the cluster ends. */
class Wake {
  readonly #clock: Clock;
  #up: (() => void) | undefined;
  #changed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  up(): void {
    this.#changed = true;
    this.#up?.();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#changed) {
      const over = new AbortController();
      const changed = new Promise<void>((resolve) => {
        this.#up = resolve;
      });
      await Promise.race([this.#clock.sleep(ms, AbortSignal.any([signal, over.signal])), changed]).finally(() =>
        over.abort(),
      );
    }
    this.#changed = false;
    signal.throwIfAborted();
  }
}

/** The pods of a graph, look after look. Who may not see them waits for the graph alone. */
class PodLooks {
  readonly #kubectl: Kubectl;
  readonly #address: GraphAddress;
  readonly #onPod: WaitOptions['onPod'];
  #seen: readonly PodState[] = [];
  #allowed = true;
  /** Since when a pod has been in the trouble that it is in. */
  readonly #since = new Map<string, { readonly code: string; readonly at: number }>();

  constructor(kubectl: Kubectl, address: GraphAddress, { onPod }: WaitOptions) {
    this.#kubectl = kubectl;
    this.#address = address;
    this.#onPod = onPod;
  }

  async look(now: number): Promise<readonly PodState[]> {
    if (!this.#allowed) return [];
    const pods = await readPods(this.#kubectl, this.#address).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.code !== 'FORBIDDEN') throw error;
      this.#allowed = false;
      return [];
    });
    for (const pod of pods) {
      const before = this.#seen.find(({ name }) => name === pod.name);
      if (before?.stage !== pod.stage || before.detail !== pod.detail) this.#onPod(pod);
      const code = pod.trouble?.code;
      if (code === undefined) this.#since.delete(pod.name);
      else if (this.#since.get(pod.name)?.code !== code) this.#since.set(pod.name, { code, at: now });
    }
    for (const gone of this.#seen.filter(({ name }) => !pods.some((pod) => pod.name === name)))
      this.#onPod({ ...gone, stage: 'removed', detail: undefined, trouble: undefined });
    this.#seen = pods;
    return pods;
  }

  /** The error of the first pod that waiting does not mend. */
  hopeless(now: number): UserError | undefined {
    for (const { name, trouble, stage } of this.#seen) {
      const since = this.#since.get(name)?.at ?? now;
      const isLong = trouble?.code === 'IMAGE_PULL' && now - since >= PULL_HOPELESS_MS;
      if (trouble === undefined || stage === 'stopping' || !(trouble.hopeless || isLong)) continue;
      const { code, message, hint } = trouble;
      return new UserError(code, message, { exitCode: EXIT.startFailed, hint, replica: name });
    }
    return undefined;
  }
}

/** A status of an earlier generation says nothing of this one; operator 0.4 and 0.6 do not count generations. */
function readStatus(object: MapNode): Status {
  const status = mapAt(object, 'status');
  const seen = numberAt(status, 'observedGeneration');
  const generation = numberAt(object, 'metadata', 'generation');
  if (seen !== undefined && generation !== undefined && seen < generation) return { state: undefined, message: '' };
  const ready = itemsAt(status, 'conditions').find((condition) => stringAt(condition, 'type') === 'Ready');
  return { state: stringAt(status, 'state'), message: stringAt(ready, 'message') ?? '' };
}

function graphFailed({ name }: GraphAddress, message: string): UserError {
  return new UserError('GRAPH_FAILED', `the operator cannot make the graph: ${message || 'it does not say why'}`, {
    exitCode: EXIT.startFailed,
    hint: `kubectl describe dynamographdeployment ${name} shows its events`,
  });
}

function tooLate(
  state: string | undefined,
  said: string,
  { timeoutMs, pods }: { readonly timeoutMs: number; readonly pods: readonly PodState[] },
): UserError {
  const time = `${timeoutMs / 1000} s`;
  const troubled = pods.find(({ trouble }) => trouble !== undefined);
  if (troubled?.trouble) {
    const { code, message, hint } = troubled.trouble;
    return new UserError(code, `not ready after ${time}: ${message}`, {
      exitCode: EXIT.notReady,
      hint,
      replica: troubled.name,
    });
  }
  if (state === undefined && pods.length === 0)
    return new UserError('OPERATOR_SILENT', `no operator has looked at the graph within ${time}`, {
      exitCode: EXIT.notReady,
      hint: 'see whether the Dynamo operator runs: kubectl get pods -A',
    });
  return new UserError(
    'NOT_READY',
    `the graph is not ready after ${time}: ${said || 'its operator has said nothing of it yet'}`,
    {
      exitCode: EXIT.notReady,
      hint: 'it stays and may still come up; give it more time with --wait-timeout',
    },
  );
}
