import { at, itemsAt, type MapNode, mapAt, numberAt, stringAt, stringsAt } from '../model/node.ts';
import { parseQuantity } from '../model/quantity.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';
import { isGpuResource } from './pod-notices.ts';

/** The containers of a pod in the order in which they start. */
export interface PodContainers {
  /** Run one after another to their end; native sidecars (restartPolicy Always) among them keep running. */
  readonly init: readonly { readonly container: MapNode; readonly sidecar: boolean }[];
  readonly main: MapNode | undefined;
  readonly sidecars: readonly MapNode[];
}

/** `main` is the container of that name, the first engine of a failover pod, else the last: v1alpha1 may rename it, and the operator puts it behind the others (facts/operator.md §4.1 step 14). */
export function readPodContainers(spec: MapNode): PodContainers {
  const containers = itemsAt(spec, 'containers').flatMap((item) => (item.kind === 'map' ? [item] : []));
  const named = (name: string) => containers.find((item) => stringAt(item, 'name') === name);
  const main = named('main') ?? named('engine-0') ?? containers.at(-1);
  return {
    init: itemsAt(spec, 'initContainers').flatMap((item) =>
      item.kind === 'map' ? [{ container: item, sidecar: stringAt(item, 'restartPolicy') === 'Always' }] : [],
    ),
    main,
    sidecars: containers.filter((item) => item !== main),
  };
}

function quantityAt(node: MapNode, ...path: string[]): number | undefined {
  const found = at(node, ...path);
  if (found?.kind !== 'scalar' || found.value === null) return undefined;
  return parseQuantity(String(found.value));
}

/** Whole GPUs that the container asks for: limits, then requests, of any GPU-like resource (internal/dra/dra.go:103-165). */
export function gpuCount(container: MapNode): number {
  for (const side of ['limits', 'requests']) {
    for (const key of [...(mapAt(container, 'resources', side)?.fields.keys() ?? [])].toSorted()) {
      if (isGpuResource(key)) return Math.max(0, Math.floor(quantityAt(container, 'resources', side, key) ?? 0));
    }
  }
  return 0;
}

/** The MIG profile that a container of the pod names (`nvidia.com/mig-3g.40gb`), as the device plugin's mixed strategy has them. */
export function migProfile(component: ResolvedComponent): string | undefined {
  const spec = mapAt(component.podTemplate, 'spec');
  const containers = [...itemsAt(spec, 'containers'), ...itemsAt(spec, 'initContainers')];
  const keys = containers.flatMap((container) =>
    ['limits', 'requests'].flatMap((side) => [...(mapAt(container, 'resources', side)?.fields.keys() ?? [])]),
  );
  return keys.flatMap((key) => /\/mig-(\S+)$/.exec(key)?.[1] ?? [])[0];
}

export function memoryLimitBytes(container: MapNode): number | undefined {
  return quantityAt(container, 'resources', 'limits', 'memory');
}

/** Cores. */
export function cpuLimit(container: MapNode): number | undefined {
  return quantityAt(container, 'resources', 'limits', 'cpu');
}

/** The claims of the pod that the container uses. */
export function claimsOf(container: MapNode): readonly string[] {
  return itemsAt(container, 'resources', 'claims').flatMap((claim) => stringAt(claim, 'name') ?? []);
}

/** GPUs of one replica: the sum over its containers, and over the claims that several of them share. */
export function podGpuCount(component: ResolvedComponent): number {
  const spec = mapAt(component.podTemplate, 'spec');
  if (!spec) return 0;
  const { main, sidecars, init } = readPodContainers(spec);
  const all = [
    ...(main ? [main] : []),
    ...sidecars,
    ...init.filter((entry) => entry.sidecar).map((entry) => entry.container),
  ];
  const claimed = [...(component.gpuClaims?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  return all.reduce((sum, container) => sum + gpuCount(container), claimed);
}

/** `command` and `args` in one list, as the process sees them before any shell. */
export function commandLine(container: MapNode): readonly string[] {
  return [...(stringsAt(container, 'command') ?? []), ...(stringsAt(container, 'args') ?? [])];
}

/** The Dynamo module that the container runs (`dynamo.frontend`, `dynamo.vllm`), in argv form or inside a shell string. */
export function dynamoModule(container: MapNode): string | undefined {
  return /(?:^|\s)-m\s+(dynamo(?:\.\w+)+)/.exec(commandLine(container).join(' '))?.[1];
}

/** A frontend by its type, or by what it runs (`componentType: main` was used for one). */
export function isFrontend(component: ResolvedComponent): boolean {
  if (component.type === 'frontend') return true;
  const spec = mapAt(component.podTemplate, 'spec');
  const main = spec ? readPodContainers(spec).main : undefined;
  return main !== undefined && dynamoModule(main) === 'dynamo.frontend';
}

/** The port of the OpenAI-compatible server: `--http-port`, then DYN_HTTP_PORT, else 8000. */
export function frontendPort(container: MapNode): number {
  const flag = /(?:^|\s)--http-port[ =](\d+)/.exec(commandLine(container).join(' '))?.[1];
  const env = itemsAt(container, 'env').findLast((item) => stringAt(item, 'name') === 'DYN_HTTP_PORT');
  return Number(flag ?? stringAt(env, 'value') ?? '8000');
}

/** Modules whose workers register a model with the frontend. */
const MODEL_MODULES = /^dynamo\.(vllm|sglang|trtllm|mocker|tokenspeed|llama_cpp)\b/;

/** True when a worker of this component puts a model into the frontend's list. */
export function registersModel(component: ResolvedComponent): boolean {
  const spec = mapAt(component.podTemplate, 'spec');
  const main = spec ? readPodContainers(spec).main : undefined;
  return main !== undefined && MODEL_MODULES.test(dynamoModule(main) ?? '');
}

export function podFsGroup(spec: MapNode): number | undefined {
  return numberAt(spec, 'securityContext', 'fsGroup');
}
