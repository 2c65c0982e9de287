import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, mapAt } from '../model/node.ts';
import { findHoles } from './find-holes.ts';
import { type GraphVersion, refuse } from './read-graph.ts';
import type { KubernetesObject } from './read-objects.ts';

/** A partial graph, which kustomize lays over a whole one: its components name neither a type nor an image nor a command. */
function looksLikePatch(components: readonly GraphComponent[]): boolean {
  const isPartial = ({ written }: GraphComponent): boolean => {
    const containers = [
      mapAt(written, 'extraPodSpec', 'mainContainer'),
      ...itemsAt(written, 'podTemplate', 'spec', 'containers'),
      mapAt(written, 'frontendSidecar'),
    ];
    const names = ['componentType', 'type', 'subComponentType'].some((field) => written.fields.has(field));
    const runs = ['image', 'command', 'args'];
    return (
      !names &&
      !containers.some((container) => container?.kind === 'map' && runs.some((field) => container.fields.has(field)))
    );
  };
  return components.length > 0 && components.every(isPartial);
}

function checkComponents(spec: MapNode, components: readonly GraphComponent[], field: string): Diagnostic[] {
  const [first] = components;
  if (!first) return [refuse('NO_COMPONENTS', `spec.${field} is empty: the graph has no component`, spec)];
  if (!looksLikePatch(components)) return [];
  const message = 'no component names a type, an image or a command: this is a kustomize patch and not a whole graph';
  return [refuse('KUSTOMIZE_PATCH', message, first, 'render the overlay: kubectl kustomize DIR | dynamo up -')];
}

/** What no cluster says and a local run needs: holes that were not filled in, and a graph that is whole. */
export function checkRunnable({ spec, components }: Graph, version: GraphVersion): readonly Diagnostic[] {
  return [
    ...findHoles(spec, components),
    ...checkComponents(spec, components, version === 'v1alpha1' ? 'services' : 'components'),
  ];
}

/** A graph without a spec: a sample, which a cluster takes as it is. */
export function refuseEmpty({ name, root }: KubernetesObject): Diagnostic {
  return refuse('SPEC_EMPTY', `graph "${name}" has no spec: it describes nothing to run`, root);
}
