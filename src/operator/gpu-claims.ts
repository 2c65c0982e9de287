import { claimedGpus, countDevices } from '../model/gpu-claim.ts';
import { itemsAt, type MapNode, stringAt } from '../model/node.ts';
import type { ResolvedComponent } from '../model/resolved-graph.ts';

/**
 * The claims of the component's pod that the operator's own templates fill, or those of the file, by their name in the pod, with the
 * GPUs of each: every container that names one sees all of them.
 */
export function withGpuClaims(
  component: ResolvedComponent,
  shared: readonly MapNode[],
  ofFile: ReadonlyMap<string, MapNode> = new Map(),
): ResolvedComponent {
  const templates = new Map<string | undefined, number>();
  for (const [name, document] of ofFile) {
    const count = claimedGpus(document);
    if (count > 0) templates.set(name, count);
  }
  for (const document of shared) {
    if (stringAt(document, 'kind') !== 'ResourceClaimTemplate') continue;
    templates.set(
      stringAt(document, 'metadata', 'name'),
      countDevices(document, () => true),
    );
  }
  const claims = itemsAt(component.podTemplate, 'spec', 'resourceClaims').flatMap((claim) => {
    const count = templates.get(stringAt(claim, 'resourceClaimTemplateName'));
    return count === undefined ? [] : [[stringAt(claim, 'name') ?? '', count] as const];
  });
  return claims.length === 0 ? component : { ...component, gpuClaims: new Map(claims) };
}
