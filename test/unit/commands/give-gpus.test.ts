import { expect, test } from 'vitest';
import { giveGpus } from '../../../src/commands/give-gpus.ts';
import type { UserError } from '../../../src/model/diagnostic.ts';
import type { Gpu, MigSlice } from '../../../src/model/host-inventory.ts';
import type { LocalReplica } from '../../../src/plan/build-desired-state.ts';
import { observedState } from '../plan/builders.ts';

const GIB = 2 ** 30;

function gpu(index: number, slices?: readonly MigSlice[]): Gpu {
  const memory = { memoryTotalBytes: 80 * GIB, memoryFreeBytes: 80 * GIB };
  return { index, uuid: `GPU-${index}`, name: 'H100', ...memory, processes: [], ...(slices ? { slices } : {}) };
}

function replica(name: string, index: number, gpuCount: number): LocalReplica {
  const component = { name, podTemplate: { kind: 'map', fields: new Map(), origin: { kind: 'flag', flag: '' } } };
  return { id: `${name}-${index}`, component, index, gpuCount, gpuSlots: [] } as unknown as LocalReplica;
}

function refusal(replicas: readonly LocalReplica[], gpus: readonly Gpu[], more = {}): UserError {
  try {
    giveGpus({
      replicas,
      inventory: { gpus, driverVersion: undefined, problem: undefined },
      topology: undefined,
      observed: observedState([], []),
      restrictTo: undefined,
      ...more,
    });
  } catch (error) {
    return error as UserError;
  }
  throw new Error('not refused');
}

const four = [0, 1, 2, 3].map((index) => replica('w', index, 1));

test('--share-gpus is offered with the number that suffices, and only where it helps', () => {
  expect(refusal(four, [gpu(0)]).hint).toContain('or --share-gpus 4');
  expect(refusal(four, [gpu(0), gpu(1)]).hint).toMatch(/or --share-gpus, or/);
  expect(refusal([replica('w', 0, 2), replica('w', 1, 2)], [gpu(0)]).hint).not.toContain('--share-gpus');
});

test('who restricts is named, and a GPU that is not there is no shortage', () => {
  const short = refusal(
    four,
    [0, 1, 2, 3].map((index) => gpu(index)),
    {
      restrictTo: ['0'],
      restrictedBy: 'CUDA_VISIBLE_DEVICES',
    },
  );
  expect(short.details).toContain('not in CUDA_VISIBLE_DEVICES');
  expect(short.hint).toContain('another CUDA_VISIBLE_DEVICES');
  const unknown = refusal(four, [gpu(0), gpu(1)], { restrictTo: ['0', '99'], restrictedBy: '--gpus' });
  expect([unknown.code, unknown.exitCode, unknown.hint]).toEqual([
    'GPU_UNKNOWN',
    3,
    expect.stringContaining('there are 0, 1'),
  ]);
});

test('slices that cannot be joined are said to be so', () => {
  const slice = (index: number): MigSlice => ({
    index,
    uuid: `MIG-${index}`,
    profile: '3g.40gb',
    memoryBytes: 40 * GIB,
    processes: [],
  });
  const error = refusal([replica('tp', 0, 2)], [gpu(0, [slice(0), slice(1)])]);
  expect(error.message).toContain('needs 2 GPUs and 2 are free, but a replica of several GPUs needs whole ones');
});
