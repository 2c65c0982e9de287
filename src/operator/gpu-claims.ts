import { itemsAt, type MapNode, numberAt, stringAt } from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';

/** The GPUs that a ResourceClaimTemplate of the operator asks for. */
function countDevices(template: MapNode): number {
  const requests = itemsAt(template, 'spec', 'spec', 'devices', 'requests');
  return requests.reduce((sum, request) => sum + (numberAt(request, 'exactly', 'count') ?? 0), 0);
}

/**
 * The claims of the component's pod that the operator's own templates fill, by their name in the pod, with the GPUs of each: every
 * container that names one sees all of them.
 */
export function withGpuClaims(component: ResolvedComponent, shared: readonly MapNode[]): ResolvedComponent {
  const templates = new Map(
    shared
      .filter((document) => stringAt(document, 'kind') === 'ResourceClaimTemplate')
      .map((document) => [stringAt(document, 'metadata', 'name'), countDevices(document)]),
  );
  const claims = itemsAt(component.podTemplate, 'spec', 'resourceClaims').flatMap((claim) => {
    const count = templates.get(stringAt(claim, 'resourceClaimTemplateName'));
    return count === undefined ? [] : [[stringAt(claim, 'name') ?? '', count] as const];
  });
  return claims.length === 0 ? component : { ...component, gpuClaims: new Map(claims) };
}
