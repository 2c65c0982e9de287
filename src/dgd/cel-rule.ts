import type { GraphComponent } from '../model/graph.ts';
import { at, itemsAt, type MapNode, type Node, stringAt } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';

export interface RuledGraph {
  readonly spec: MapNode;
  readonly components: readonly GraphComponent[];
  /** `spec.services[decode]`, `spec.components[0]`: as the API server writes the place of a component. */
  readonly pathOf: (component: GraphComponent) => string;
}

interface Violation {
  readonly path: string;
  /** In the words of the CRD. */
  readonly detail: string;
  readonly origin: Origin;
  /** The value in the API server's words: `"object"` unless it is something else. */
  readonly value?: string;
}

/** A rule of a CRD that no type says (`x-kubernetes-validations`); `generations` are those whose CRD holds it. */
export interface CelRule {
  readonly code: string;
  readonly apiVersions: readonly ('v1alpha1' | 'v1beta1')[];
  readonly generations: readonly OperatorGeneration[];
  readonly check: (graph: RuledGraph) => readonly Violation[];
}

/** CEL's `has(x) && x != ''` of a field. */
export function isWritten(node: Node | undefined): boolean {
  return node !== undefined && !(node.kind === 'scalar' && node.value === '');
}

/** A rule of every component; `at` is the path below it, `''` for the component itself. */
export function perComponent(
  check: (component: GraphComponent) => readonly (Omit<Violation, 'path'> & { at: string })[],
) {
  return ({ components, pathOf }: RuledGraph): readonly Violation[] =>
    components.flatMap((component) =>
      check(component).map(({ at: below, detail, origin }) => ({
        path: `${pathOf(component)}${below}`,
        detail,
        origin,
      })),
    );
}

/** A rule of one map below a component, which holds where the map is absent. */
export function perMap(path: readonly string[], detail: string, holds: (map: MapNode, component: MapNode) => boolean) {
  return perComponent(({ written }) => {
    const found = at(written, ...path);
    if (found?.kind !== 'map' || holds(found, written)) return [];
    return [{ at: `.${path.join('.')}`, detail, origin: found.origin }];
  });
}

/** The number of items of a list, 0 where there is none. */
export function sizeOf(node: Node | undefined, ...path: readonly string[]): number {
  return itemsAt(node, ...path).length;
}

/** `!has(self.job) || !has(self.checkpointRef) || size(self.checkpointRef) == 0` */
export function holdsCheckpointJob(checkpoint: MapNode): boolean {
  return !checkpoint.fields.has('job') || !stringAt(checkpoint, 'checkpointRef');
}
