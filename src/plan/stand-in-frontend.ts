import type { Diagnostic } from '../model/diagnostic.ts';
import { fromJson, itemsAt, list, type MapNode, map, mapAt, scalar, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import { commandLine, isFrontend, readPodContainers } from './local-pod.ts';

const ORIGIN: Origin = {
  kind: 'local',
  deviation: 'endpoint-picker',
  reason: 'there is no Kubernetes gateway on this machine: a frontend that routes by the KV cache picks the workers',
};

function frontendSidecar(component: ResolvedComponent): MapNode | undefined {
  const spec = mapAt(component.podTemplate, 'spec');
  const sidecars = spec ? readPodContainers(spec).sidecars : [];
  return sidecars.find((container) => /(?:^|\s)-m\s+dynamo\.frontend\b/.test(commandLine(container).join(' ')));
}

function withoutSidecar(component: ResolvedComponent): ResolvedComponent {
  const spec = mapAt(component.podTemplate, 'spec');
  const sidecar = frontendSidecar(component);
  if (!spec || !sidecar) return component;
  const kept = itemsAt(spec, 'containers').filter((item) => item !== sidecar);
  const changed = withField(spec, 'containers', list(kept, spec.origin));
  return { ...component, podTemplate: withField(component.podTemplate, 'spec', changed) };
}

/** The pod of the worker with its frontend sidecar alone in it. */
function frontendPod(worker: ResolvedComponent, sidecar: MapNode): MapNode {
  const spec = mapAt(worker.podTemplate, 'spec') ?? map([], ORIGIN);
  const named = withField(sidecar, 'name', scalar('main', ORIGIN));
  const routed = withField(named, 'args', fromJson(['-m', 'dynamo.frontend', '--router-mode', 'kv'], ORIGIN));
  const command = withField(routed, 'command', fromJson(['python3'], ORIGIN));
  const alone = withField(withField(spec, 'initContainers', undefined), 'containers', list([command], ORIGIN));
  return withField(worker.podTemplate, 'spec', alone);
}

/**
 * A graph whose only way in is an endpoint picker of a gateway (no frontend of its own, one beside every worker): the picker becomes one
 * frontend with `--router-mode kv`, made of the first of those sidecars, and the sidecars go. Any other graph as it is.
 */
export function standInFrontend(graph: ResolvedGraph): ResolvedGraph {
  const picker = graph.components.find(({ type }) => type === 'epp');
  const worker = graph.components.find((component) => frontendSidecar(component) !== undefined);
  const sidecar = worker && frontendSidecar(worker);
  if (!picker || !worker || !sidecar || graph.components.some(isFrontend)) return graph;
  const alias = fromJson({ metadata: { name: `${graph.name}-frontend` } }, ORIGIN);
  const frontend: ResolvedComponent = {
    ...picker,
    type: 'frontend',
    podTemplate: frontendPod(worker, sidecar),
    services: alias.kind === 'map' ? [...picker.services, alias] : picker.services,
  };
  const components = graph.components.map((component) => (component === picker ? frontend : withoutSidecar(component)));
  return { ...graph, components };
}

/** A notice where that happened. */
export function noticeStandIn(written: ResolvedGraph, local: ResolvedGraph): readonly Diagnostic[] {
  return written.components.flatMap((component): Diagnostic[] => {
    const now = local.components.find(({ name }) => name === component.name);
    if (component.type !== 'epp' || now?.type !== 'frontend') return [];
    const sidecar = stringAt(itemsAt(now.podTemplate, 'spec', 'containers')[0], 'image') ?? '';
    return [
      {
        severity: 'notice',
        code: 'ENDPOINT_PICKER',
        message: `${component.name}: an endpoint picker serves a Kubernetes gateway; here one frontend of ${sidecar} with --router-mode kv stands in for it and for the frontends beside the workers`,
        ...(component.origin.kind === 'file' ? { at: component.origin.at } : {}),
      },
    ];
  });
}
