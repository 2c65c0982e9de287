import { at, itemsAt, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { type CelRule, holdsCheckpointJob, isWritten, perComponent, perMap, sizeOf } from './cel-rule.ts';

const ONE_EPP = 'at most one component may have type epp';
const EXECUTOR = 'nvidia.com/vllm-distributed-executor-backend';

function componentRule(code: string, check: CelRule['check']): CelRule {
  return { code, apiVersions: ['v1beta1'], generations: ['1.5'], check };
}

function checkImages(list: 'containers' | 'initContainers', detail: string): CelRule['check'] {
  return perComponent(({ written }) =>
    itemsAt(written, 'podTemplate', 'spec', list).flatMap((container, index) => {
      const main = list === 'containers' && stringAt(container, 'name') === 'main';
      if (main || isWritten(at(container, 'image'))) return [];
      return [{ at: `.podTemplate.spec.${list}[${index}]`, detail, origin: container.origin }];
    }),
  );
}

const GMS = ['experimental', 'gpuMemoryService'];

function gmsRule(detail: string, holds: (gms: MapNode) => boolean): CelRule {
  return componentRule('GPU_MEMORY_SERVICE', perMap(GMS, detail, holds));
}

/** Rules of v1beta1 alone [150 config/crd/bases/nvidia.com_dynamographdeployments.yaml; those of pod templates: Makefile:254-259]. */
export const V1BETA1_RULES: readonly CelRule[] = [
  componentRule('EPP_TWICE', ({ components }) =>
    components
      .filter(({ written }) => stringAt(written, 'type') === 'epp')
      .slice(1, 2)
      .map(({ origin }) => ({ path: 'spec.components', detail: ONE_EPP, origin, value: '"array"' })),
  ),
  componentRule('NAME_TWICE', ({ components }) => {
    const names = components.map(({ name }) => name.toLowerCase());
    const again = components.find((_, index) => names.indexOf(names[index] ?? '') < index);
    const detail = 'component names must be unique case-insensitively';
    return again ? [{ path: 'spec.components', detail, origin: again.origin, value: '"array"' }] : [];
  }),
  componentRule(
    'EPP_CONFIG',
    perComponent(({ written }) => {
      const config = mapAt(written, 'eppConfig');
      if (!config || stringAt(written, 'type') === 'epp') return [];
      return [{ at: '', detail: 'eppConfig may only be set when type is epp', origin: config.origin }];
    }),
  ),
  componentRule(
    'EPP_CONFIG',
    perMap(
      ['eppConfig'],
      'exactly one of configMapRef or config must be specified',
      ({ fields }) => fields.has('configMapRef') !== fields.has('config'),
    ),
  ),
  componentRule(
    'CHECKPOINT',
    perMap(
      ['experimental', 'checkpoint'],
      'checkpoint.job cannot be set when checkpointRef is specified',
      holdsCheckpointJob,
    ),
  ),
  gmsRule(
    'extraClientContainers is only supported with mode=IntraPod',
    (gms) => sizeOf(gms, 'extraClientContainers') === 0 || (stringAt(gms, 'mode') ?? 'IntraPod') === 'IntraPod',
  ),
  gmsRule(
    'extraClientPods is only supported with mode=InterPod',
    (gms) => sizeOf(gms, 'extraClientPods') === 0 || stringAt(gms, 'mode') === 'InterPod',
  ),
  gmsRule(
    'extraClientPods is reserved for inter-pod GMS and is not implemented yet',
    (gms) => sizeOf(gms, 'extraClientPods') === 0,
  ),
  componentRule(
    'EXECUTOR_BACKEND',
    perMap(
      ['podTemplate', 'metadata', 'annotations'],
      'podTemplate backend annotation must be mp or ray, case-insensitively',
      (annotations) => {
        const value = stringAt(annotations, EXECUTOR);
        return value === undefined || ['mp', 'ray'].includes(value.toLowerCase());
      },
    ),
  ),
  componentRule('CONTAINER_IMAGE', checkImages('containers', 'sidecar containers must specify a non-empty image')),
  componentRule('CONTAINER_IMAGE', checkImages('initContainers', 'init containers must specify a non-empty image')),
];
