import { type MapNode, scalar, stringAt, withField } from '../model/node.ts';

/** `mode` of gpuMemoryService and failover: v1alpha1 writes `intraPod`, v1beta1 `IntraPod`. */
export function withMode(feature: MapNode, version: 'v1alpha1' | 'v1beta1'): MapNode {
  const mode = stringAt(feature, 'mode');
  if (mode === undefined) return feature;
  const first = mode.charAt(0);
  const text = `${version === 'v1alpha1' ? first.toLowerCase() : first.toUpperCase()}${mode.slice(1)}`;
  return withField(feature, 'mode', scalar(text, feature.fields.get('mode')?.origin ?? feature.origin));
}
