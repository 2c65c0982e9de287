import { fromJson, itemsAt, stringAt } from '../model/node.ts';
import { namespaceFlag } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';

/** What a kubelet last said of a probe of the pod: `Readiness`, and `HTTP probe failed with statuscode: 503`. */
export interface ProbeAnswerThere {
  readonly probe: string;
  readonly answer: string;
}

const FAILED = /^(Startup|Readiness|Liveness) probe (?:failed|errored[^:]*): (.*)/s;

/** Undefined where no probe has failed, or its events may not be read. */
export async function readProbeAnswer(
  kubectl: Kubectl,
  pod: string,
  namespace: string | undefined,
): Promise<ProbeAnswerThere | undefined> {
  const selector = `--field-selector=involvedObject.name=${pod},reason=Unhealthy`;
  const events = await kubectl.json(['get', 'events', selector, ...namespaceFlag(namespace)]).catch(() => null);
  const messages = itemsAt(fromJson(events, { kind: 'flag', flag: 'the cluster' }), 'items')
    .map((event) => ({
      at: stringAt(event, 'lastTimestamp') ?? stringAt(event, 'eventTime') ?? '',
      message: stringAt(event, 'message') ?? '',
    }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const found = FAILED.exec(messages.at(-1)?.message ?? '');
  return found?.[1] === undefined ? undefined : { probe: found[1], answer: (found[2] ?? '').trim() };
}
