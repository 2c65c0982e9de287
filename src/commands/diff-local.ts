import { at, itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { ANY_ENGINE } from './any-engine.ts';
import type { ClusterGraphFlags } from './cluster-graph.ts';
import type { Io } from './io.ts';
import { layOutProject } from './lay-out-project.ts';
import type { ProjectInput } from './load-project.ts';

/** One variable of a component that this machine sets to something else than a cluster. */
export interface LocalDifference {
  readonly path: string;
  readonly here: string | undefined;
  /** Undefined where the cluster sets none, or takes it from a field of the pod. */
  readonly cluster: string | undefined;
  readonly reason: string;
}

/** `diff --local`: what `up` sets to something else here than the operator does in a cluster, and why; asks no engine and no cluster. */
export async function diffLocal(
  input: ProjectInput,
  flags: ClusterGraphFlags,
  io: Io,
): Promise<readonly LocalDifference[]> {
  const graphFlags = { ...flags, port: 0, bind: '127.0.0.1' };
  const machine = { engine: ANY_ENGINE, runtime: undefined };
  const { built, resolved } = await layOutProject(input, graphFlags, io, machine);
  const pods = new Map(resolved.components.map(({ name, podTemplate }) => [name, podTemplate]));
  return built.deviations.flatMap(({ component, changes, reason }) =>
    Object.entries(changes).map(([name, here]) => ({
      path: `${component}.env.${name}`,
      here,
      cluster: clusterValue(pods.get(component), name),
      reason,
    })),
  );
}

function clusterValue(pod: MapNode | undefined, name: string): string | undefined {
  const main = itemsAt(pod, 'spec', 'containers').find((container) => stringAt(container, 'name') === 'main');
  const entry = itemsAt(main, 'env').find((item) => stringAt(item, 'name') === name);
  const value = at(entry, 'value');
  return value?.kind === 'scalar' && mapAt(entry, 'valueFrom') === undefined ? String(value.value) : undefined;
}
