import type { GraphComponent } from '../model/graph.ts';
import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';

interface RuledGraph {
  readonly spec: MapNode;
  readonly components: readonly GraphComponent[];
  /** `spec.services.decode`, `spec.components[0]`: as the API server writes the place of a component. */
  readonly pathOf: (component: GraphComponent) => string;
}

interface Violation {
  readonly path: string;
  /** In the words of the CRD. */
  readonly detail: string;
  readonly origin: Origin;
}

/** A rule of the cluster that no type says; `generations` are those whose CRD holds it. */
export interface ClusterRule {
  readonly code: string;
  readonly apiVersions: readonly ('v1alpha1' | 'v1beta1')[];
  readonly generations: readonly OperatorGeneration[];
  readonly check: (graph: RuledGraph) => readonly Violation[];
}

const BOTH = ['v1alpha1', 'v1beta1'] as const;

function isWritten(node: Node | undefined): boolean {
  return node !== undefined && !(node.kind === 'scalar' && node.value === '');
}

function perComponent(check: (component: GraphComponent) => readonly (Omit<Violation, 'path'> & { at: string })[]) {
  return ({ components, pathOf }: RuledGraph): readonly Violation[] =>
    components.flatMap((component) =>
      check(component).map(({ at: below, detail, origin }) => ({
        path: `${pathOf(component)}${below}`,
        detail,
        origin,
      })),
    );
}

function checkImages(list: 'containers' | 'initContainers', detail: string) {
  return perComponent(({ written }) =>
    itemsAt(written, 'podTemplate', 'spec', list).flatMap((container, index) => {
      const main = list === 'containers' && stringAt(container, 'name') === 'main';
      if (main || isWritten(at(container, 'image'))) return [];
      return [{ at: `.podTemplate.spec.${list}[${index}]`, detail, origin: container.origin }];
    }),
  );
}

/**
 * Rules of the CRDs (`x-kubernetes-validations`) that a create is held to and that real files can break. Those about fields that only
 * Grove or a checkpoint reads, and those of the webhooks, are not here yet.
 */
export const CLUSTER_RULES: readonly ClusterRule[] = [
  {
    code: 'CLAIM_INCOMPLETE',
    apiVersions: ['v1alpha1'],
    generations: ['0.6', '1.1', '1.5'],
    check: ({ spec }) =>
      itemsAt(spec, 'pvcs').flatMap((claim, index) => {
        if (booleanAt(claim, 'create') !== true) return [];
        if (['size', 'storageClass', 'volumeAccessMode'].every((field) => at(claim, field) !== undefined)) return [];
        const detail = 'When create is true, size, storageClass, and volumeAccessMode are required';
        return [{ path: `spec.pvcs[${index}]`, detail, origin: claim.origin }];
      }),
  },
  {
    code: 'SHARED_MEMORY',
    apiVersions: ['v1alpha1'],
    generations: ['1.1'],
    check: perComponent(({ written }) => {
      const memory = mapAt(written, 'sharedMemory');
      if (booleanAt(memory, 'disabled') !== true || !memory?.fields.has('size')) return [];
      const detail = 'sharedMemory.size must not be set when sharedMemory.disabled is true';
      return [{ at: '.sharedMemory', detail, origin: memory.origin }];
    }),
  },
  {
    code: 'SHARED_MEMORY',
    apiVersions: ['v1alpha1'],
    generations: ['1.5'],
    check: perComponent(({ written }) => {
      const memory = mapAt(written, 'sharedMemory');
      if (!memory || booleanAt(memory, 'disabled') === true || isWritten(memory.fields.get('size'))) return [];
      return [{ at: '.sharedMemory', detail: 'size is required when disabled is false', origin: memory.origin }];
    }),
  },
  {
    code: 'RESTART_ON_CREATE',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: ({ spec }) => {
      const restart = at(spec, 'restart');
      const detail = 'spec.restart must be unset on create; set spec.restart.id after creation to request a restart';
      return restart === undefined ? [] : [{ path: 'spec', detail, origin: restart.origin }];
    },
  },
  {
    code: 'MIN_AVAILABLE',
    apiVersions: BOTH,
    generations: ['1.5'],
    check: perComponent(({ written }) => {
      const replicas = numberAt(written, 'replicas') ?? 1;
      const available = numberAt(written, 'minAvailable');
      if (available === undefined || replicas === 0 || available <= replicas) return [];
      const detail = 'minAvailable must be less than or equal to replicas unless replicas is 0';
      return [{ at: '', detail, origin: at(written, 'minAvailable')?.origin ?? written.origin }];
    }),
  },
  {
    code: 'EPP_TWICE',
    apiVersions: ['v1beta1'],
    generations: ['1.5'],
    check: ({ components }) =>
      components
        .filter(({ written }) => stringAt(written, 'type') === 'epp')
        .slice(1)
        .map(({ origin }) => ({ path: 'spec.components', detail: 'at most one component may have type epp', origin })),
  },
  {
    code: 'EPP_CONFIG',
    apiVersions: ['v1beta1'],
    generations: ['1.5'],
    check: perComponent(({ written }) => {
      const config = mapAt(written, 'eppConfig');
      if (!config) return [];
      const one = config.fields.has('configMapRef') !== config.fields.has('config');
      const { origin } = config;
      return [
        ...(stringAt(written, 'type') === 'epp'
          ? []
          : [{ at: '', detail: 'eppConfig may only be set when type is epp', origin }]),
        ...(one
          ? []
          : [{ at: '.eppConfig', detail: 'exactly one of configMapRef or config must be specified', origin }]),
      ];
    }),
  },
  {
    code: 'CONTAINER_IMAGE',
    apiVersions: ['v1beta1'],
    generations: ['1.5'],
    check: checkImages('containers', 'sidecar containers must specify a non-empty image'),
  },
  {
    code: 'CONTAINER_IMAGE',
    apiVersions: ['v1beta1'],
    generations: ['1.5'],
    check: checkImages('initContainers', 'init containers must specify a non-empty image'),
  },
];
