import { type MapNode, stringAt } from './node.ts';

/**
 * Annotations of a pod template by which a graph says what only one machine can honour; a cluster ignores them.
 * - `gpuSlots`: a number for each GPU of each replica, one replica after another (`0,1`); equal numbers are one GPU that is shared.
 * - `startAfter`: components, comma-separated, that must be ready before this one starts; its own name: its replicas start one after another.
 */
export const LOCAL_ANNOTATION = {
  gpuSlots: 'dynamo.local/gpu-slots',
  startAfter: 'dynamo.local/start-after',
} as const;

/** The entries of such an annotation; empty where it is not written. */
export function localAnnotation(podTemplate: MapNode, kind: keyof typeof LOCAL_ANNOTATION): readonly string[] {
  const text = stringAt(podTemplate, 'metadata', 'annotations', LOCAL_ANNOTATION[kind]);
  return (text ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}
