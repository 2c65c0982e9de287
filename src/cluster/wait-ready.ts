import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import { fetchGraph, type GraphAddress } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Called whenever the operator says something else of the graph: `pending: Resources not ready: …`. */
  readonly onChange: (said: string) => void;
}

/** Milliseconds between two looks; the operator itself writes its status less often. */
const EVERY_MS = 2000;

interface Status {
  /** Undefined until the operator has seen the graph as it is now. */
  readonly state: string | undefined;
  readonly message: string;
}

/**
 * Resolves when the operator says that every resource of the graph is ready (status.state `successful`, operator.md §8.1). Rejects with
 * GRAPH_FAILED (exit 4) when it cannot make the graph, OPERATOR_SILENT or NOT_READY (exit 5) when the time is over; the graph stays.
 */
export async function waitReady(kubectl: Kubectl, address: GraphAddress, options: WaitOptions): Promise<void> {
  const { clock, signal, timeoutMs, onChange } = options;
  const end = clock.now() + timeoutMs;
  let before = '';
  for (;;) {
    const { state, message } = readStatus(await fetchGraph(kubectl, address));
    if (state === 'successful') return;
    const said = [state, message].filter(Boolean).join(': ');
    if (state === 'failed')
      throw new UserError('GRAPH_FAILED', `the operator cannot make the graph: ${message || 'it does not say why'}`, {
        exitCode: EXIT.startFailed,
        hint: `kubectl describe dynamographdeployment ${address.name} shows its events`,
      });
    if (said !== before && said !== '') onChange(said);
    before = said;
    if (clock.now() >= end) throw tooLate(state, said, timeoutMs);
    await clock.sleep(EVERY_MS, signal);
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

function tooLate(state: string | undefined, said: string, timeoutMs: number): UserError {
  const time = `${timeoutMs / 1000} s`;
  if (state === undefined)
    return new UserError('OPERATOR_SILENT', `no operator has looked at the graph within ${time}`, {
      exitCode: EXIT.notReady,
      hint: 'see whether the Dynamo operator runs: kubectl get pods -A',
    });
  return new UserError('NOT_READY', `the graph is not ready after ${time}: ${said}`, {
    exitCode: EXIT.notReady,
    hint: 'it stays and may still come up; give it more time with --wait-timeout',
  });
}
