import { at, booleanAt, itemsAt, type MapNode, stringAt } from '../model/node.ts';
import { parseQuantity } from '../model/quantity.ts';
import { type CelRule, holdsCheckpointJob, perMap, sizeOf } from './cel-rule.ts';

/** A rule of one map of every service in one generation. */
function serviceRule(
  generation: '1.1' | '1.5',
  code: string,
  path: readonly string[],
  rule: { readonly detail: string; readonly holds: (map: MapNode) => boolean },
): CelRule {
  return { code, apiVersions: ['v1alpha1'], generations: [generation], check: perMap(path, rule.detail, rule.holds) };
}

/** Rules of v1alpha1 alone [config/crd/bases/nvidia.com_dynamographdeployments.yaml of 060, 102 and 150]. */
export const V1ALPHA1_RULES: readonly CelRule[] = [
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
  serviceRule('1.1', 'SHARED_MEMORY', ['sharedMemory'], {
    detail: 'sharedMemory.size must not be set when sharedMemory.disabled is true',
    holds: (memory) => booleanAt(memory, 'disabled') !== true || !memory.fields.has('size'),
  }),
  serviceRule('1.1', 'CHECKPOINT', ['checkpoint'], {
    detail: 'When enabled, either checkpointRef or both identity.model and identity.backendFramework must be specified',
    holds: (checkpoint) =>
      booleanAt(checkpoint, 'enabled') !== true ||
      Boolean(stringAt(checkpoint, 'checkpointRef')) ||
      ['model', 'backendFramework'].every((field) => at(checkpoint, 'identity', field) !== undefined),
  }),
  serviceRule('1.5', 'SHARED_MEMORY', ['sharedMemory'], {
    detail: 'size is required when disabled is false',
    holds: (memory) => {
      const size = at(memory, 'size');
      const text = size?.kind === 'scalar' ? String(size.value) : '';
      return booleanAt(memory, 'disabled') === true || (text !== '' && (parseQuantity(text) ?? 1) > 0);
    },
  }),
  serviceRule('1.5', 'CHECKPOINT', ['checkpoint'], {
    detail: 'checkpoint.job cannot be set when checkpointRef is specified',
    holds: holdsCheckpointJob,
  }),
  serviceRule('1.5', 'GPU_MEMORY_SERVICE', ['gpuMemoryService'], {
    detail: 'extraClientContainers is only supported with mode=intraPod',
    holds: (gms) => sizeOf(gms, 'extraClientContainers') === 0 || (stringAt(gms, 'mode') ?? 'intraPod') === 'intraPod',
  }),
  serviceRule('1.5', 'GPU_MEMORY_SERVICE', ['gpuMemoryService'], {
    detail: 'extraClientPods is only supported with mode=interPod',
    holds: (gms) => sizeOf(gms, 'extraClientPods') === 0 || stringAt(gms, 'mode') === 'interPod',
  }),
  serviceRule('1.5', 'GPU_MEMORY_SERVICE', ['gpuMemoryService'], {
    detail: 'extraClientPods is reserved for inter-pod GMS and is not implemented yet',
    holds: (gms) => sizeOf(gms, 'extraClientPods') === 0,
  }),
];
