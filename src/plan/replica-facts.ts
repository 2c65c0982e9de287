import type { MapNode } from '../model/node.ts';
import type { ReplicaFacts, WorkerRole } from '../model/observed-state.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { commandLine, registersModel } from './local-pod.ts';

export type ServingFacts = Pick<
  ReplicaFacts,
  'workerRole' | 'systemPort' | 'routerMode' | 'instances' | 'namespace' | 'namespacePrefix'
>;

/** A mocker of several workers makes a runtime, and so an instance, of each (runtime.md §2.6). */
const MOCKERS = /(?:^|\s)--num-workers[ =]["']?(\d+)/;

/** How flags say a role where the component's type does not: `--disaggregation-mode M` from 1.0 on, `--is-M-worker` before. */
const ROLE_FLAG =
  /(?:^|\s)--(?:disaggregation-(?:mode|strategy)[ =]["']?(prefill|decode|encode)(?![\w])|is-(prefill|decode|encode)-worker)/;

const ROLES: readonly WorkerRole[] = ['prefill', 'decode', 'encode'];

function roleOf(component: ResolvedComponent, command: string): WorkerRole {
  const typed = ROLES.find((role) => role === (component.subType ?? component.type));
  // TensorRT-LLM 0.4 and 0.6 also know strategies (`decode_first`), which are no roles.
  const flag = ROLE_FLAG.exec(command);
  const flagged = ROLES.find((role) => role === (flag?.[1] ?? flag?.[2]));
  return typed ?? flagged ?? 'aggregated';
}

function readFlag(command: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)--${name}[ =]["']?([\\w.-]+)`).exec(command)?.[1];
}

/**
 * What a running replica must tell of itself for `ps` and `smoke`, which have no source file: its role, where its counters are, how it
 * routes. `env` is the container's own, `frontend` whether it serves HTTP.
 */
export function readServingFacts(
  component: ResolvedComponent,
  main: MapNode,
  env: readonly { readonly name: string; readonly value: string }[],
  frontend: boolean,
): ServingFacts {
  const read = (name: string) => env.findLast((entry) => entry.name === name)?.value;
  const command = commandLine(main).join(' ');
  const written = (frontend ? readFlag(command, 'namespace') : undefined) ?? read('DYN_NAMESPACE');
  const namespace = written === undefined || written === '' ? {} : { namespace: written };
  if (frontend) {
    const flag = readFlag(command, 'router-mode');
    const prefix = readFlag(command, 'namespace-prefix') ?? read('DYN_NAMESPACE_PREFIX');
    return {
      routerMode: flag ?? read('DYN_ROUTER_MODE') ?? 'round-robin',
      ...namespace,
      ...(prefix === undefined || prefix === '' ? {} : { namespacePrefix: prefix }),
    };
  }
  if (!registersModel(component)) return {};
  const port = Number(read('DYN_SYSTEM_PORT'));
  return {
    workerRole: roleOf(component, command),
    instances: Number(MOCKERS.exec(command)?.[1] ?? 1),
    ...namespace,
    ...(Number.isInteger(port) && port > 0 ? { systemPort: port } : {}),
  };
}
