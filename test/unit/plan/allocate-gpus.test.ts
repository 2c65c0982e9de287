import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Gpu } from '../../../src/model/host-inventory.ts';
import { allocateGpus, type GpuAllocationInput } from '../../../src/plan/allocate-gpus.ts';
import { sliceNotices } from '../../../src/plan/gpu-devices.ts';

const GIB = 2 ** 30;

function gpu(index: number, processes: Gpu['processes'] = []): Gpu {
  return {
    index,
    uuid: `GPU-${index}`,
    name: 'H100',
    memoryTotalBytes: 80 * GIB,
    memoryFreeBytes: 80 * GIB,
    processes,
  };
}

function input(overrides: Partial<GpuAllocationInput>): GpuAllocationInput {
  return {
    requests: [],
    gpus: [0, 1, 2, 3].map((index) => gpu(index)),
    holds: [],
    restrictTo: undefined,
    ownDevices: new Set(),
    ...overrides,
  };
}

function request(replica: string, count: number, previous: readonly string[] = []) {
  return { replica, count, previous };
}

function given(result: ReturnType<typeof allocateGpus>): Record<string, readonly string[]> {
  return result.kind === 'allocated' ? Object.fromEntries(result.byReplica) : {};
}

test('replicas get distinct devices in order', () => {
  const result = allocateGpus(input({ requests: [request('prefill-0', 1), request('decode-0', 2)] }));
  expect(given(result)).toEqual({ 'prefill-0': ['GPU-0'], 'decode-0': ['GPU-1', 'GPU-2'] });
});

test('a replica without GPUs gets no entry', () => {
  expect(given(allocateGpus(input({ requests: [request('frontend-0', 0)] })))).toEqual({});
});

test('what a replica had it gets again, before others choose', () => {
  const result = allocateGpus(input({ requests: [request('a-0', 1), request('b-0', 1, ['GPU-0'])] }));
  expect(given(result)).toEqual({ 'a-0': ['GPU-1'], 'b-0': ['GPU-0'] });
});

test('a GPU that another project holds is not given out', () => {
  const holds = [{ uuid: 'GPU-0', project: 'other', replica: 'decode-0' }];
  expect(given(allocateGpus(input({ requests: [request('a-0', 1)], holds })))).toEqual({ 'a-0': ['GPU-1'] });
});

test('a GPU that a foreign process fills is not given out, one that it barely uses is', () => {
  const filled = gpu(0, [{ pid: 7, name: 'python3', memoryBytes: 40 * GIB }]);
  const desktop = gpu(1, [{ pid: 8, name: 'Xorg', memoryBytes: GIB / 4 }]);
  expect(given(allocateGpus(input({ requests: [request('a-0', 1)], gpus: [filled, desktop] })))).toEqual({
    'a-0': ['GPU-1'],
  });
});

test('the own processes are not foreign', () => {
  const filled = gpu(0, [{ pid: 7, name: 'python3', memoryBytes: 40 * GIB }]);
  expect(
    given(allocateGpus(input({ requests: [request('a-0', 1)], gpus: [filled], ownDevices: new Set([filled.uuid]) }))),
  ).toEqual({
    'a-0': ['GPU-0'],
  });
});

test('--gpus restricts by index and by UUID', () => {
  const result = allocateGpus(input({ requests: [request('a-0', 2)], restrictTo: ['3', 'GPU-1'] }));
  expect(given(result)).toEqual({ 'a-0': ['GPU-1', 'GPU-3'] });
});

test('a shortage says who needs, what there is, and who holds it', () => {
  const holds = [{ uuid: 'GPU-0', project: 'other', replica: 'decode-0' }];
  const result = allocateGpus(input({ requests: [request('a-0', 4)], holds }));
  expect(result).toMatchObject({ kind: 'short', shortage: { needed: 4, available: 3 } });
  expect(result.kind === 'short' && result.shortage.rows.map((row) => row.heldBy)).toEqual([
    'project other (decode-0)',
    'free',
    'free',
    'free',
  ]);
});

test('whatever is asked, devices are distinct, whole and stable', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 });
  fc.assert(
    fc.property(counts, fc.integer({ min: 0, max: 8 }), (wanted, machine) => {
      const gpus = Array.from({ length: machine }, (_, index) => gpu(index));
      const requests = wanted.map((count, index) => request(`r-${index}`, count));
      const first = allocateGpus(input({ requests, gpus }));
      const needed = wanted.reduce((sum, count) => sum + count, 0);
      expect(first.kind).toBe(needed <= machine ? 'allocated' : 'short');
      if (first.kind === 'short') return;
      const all = [...first.byReplica.values()].flat();
      expect(new Set(all).size).toBe(all.length);
      for (const { replica, count } of requests) expect(first.byReplica.get(replica)?.length ?? 0).toBe(count);
      const again = allocateGpus(
        input({
          gpus,
          requests: requests.map((entry) => ({ ...entry, previous: first.byReplica.get(entry.replica) ?? [] })),
        }),
      );
      expect(given(again)).toEqual(given(first));
    }),
  );
});

/** Pairs 0-2 and 1-3 on a switch each, all else between sockets. */
const PAIRS = new Map([
  [
    0,
    new Map([
      [1, 'SYS'],
      [2, 'PIX'],
      [3, 'SYS'],
    ]),
  ],
  [
    1,
    new Map([
      [0, 'SYS'],
      [2, 'SYS'],
      [3, 'PHB'],
    ]),
  ],
  [
    2,
    new Map([
      [0, 'PIX'],
      [1, 'SYS'],
      [3, 'SYS'],
    ]),
  ],
  [
    3,
    new Map([
      [0, 'SYS'],
      [1, 'PHB'],
      [2, 'SYS'],
    ]),
  ],
]);

test('a replica of two GPUs gets neighbours, though others asked first', () => {
  const requests = [request('small-0', 1), request('wide-0', 2)];
  expect(given(allocateGpus(input({ requests, topology: PAIRS })))).toEqual({
    'small-0': ['GPU-1'],
    'wide-0': ['GPU-0', 'GPU-2'],
  });
  const twice = [request('wide-0', 2), request('wide-1', 2)];
  expect(given(allocateGpus(input({ requests: twice, topology: PAIRS })))).toEqual({
    'wide-0': ['GPU-0', 'GPU-2'],
    'wide-1': ['GPU-1', 'GPU-3'],
  });
});

test('NVLink beats PCIe, and more lanes fewer', () => {
  const links = (nvlink: string) =>
    new Map([
      [
        0,
        new Map([
          [1, 'PIX'],
          [2, nvlink],
        ]),
      ],
      [1, new Map([[2, 'NV4']])],
    ]);
  const gpus = [0, 1, 2].map((index) => gpu(index));
  const pick = (nvlink: string) =>
    given(allocateGpus(input({ gpus, requests: [request('a-0', 2)], topology: links(nvlink) })));
  expect(pick('NV18')).toEqual({ 'a-0': ['GPU-0', 'GPU-2'] });
  expect(pick('NV2')).toEqual({ 'a-0': ['GPU-1', 'GPU-2'] });
});

test('whatever the topology: distinct GPUs, whole replicas, and the same again for an unchanged graph', () => {
  const LINKS = ['NV18', 'NV4', 'PIX', 'PXB', 'PHB', 'NODE', 'SYS', 'X', '?'];
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.constantFrom(...LINKS), { minLength: 64, maxLength: 64 }),
      (counts, machine, links) => {
        const gpus = Array.from({ length: machine }, (_, index) => gpu(index));
        const topology = new Map(
          gpus.map(({ index: a }) => [a, new Map(gpus.map(({ index: b }) => [b, links[a * 8 + b] ?? '']))]),
        );
        const requests = counts.map((count, index) => request(`r-${index}`, count));
        const result = allocateGpus(input({ gpus, requests, topology }));
        const needed = counts.reduce((sum, count) => sum + count, 0);
        expect(result.kind).toBe(needed > machine ? 'short' : 'allocated');
        const now = given(result);
        const all = Object.values(now).flat();
        expect(new Set(all).size).toBe(all.length);
        if (result.kind === 'allocated')
          for (const { replica, count } of requests) expect(now[replica] ?? []).toHaveLength(count);
        const again = requests.map(({ replica, count }) => request(replica, count, now[replica] ?? []));
        if (result.kind === 'allocated')
          expect(given(allocateGpus(input({ gpus, requests: again, topology })))).toEqual(now);
      },
    ),
  );
});

/** A GPU in MIG mode with slices of these profiles. */
function sliced(index: number, ...profiles: readonly string[]): Gpu {
  const slices = profiles.map((profile, at) => ({
    index: at,
    uuid: `MIG-${index}-${at}`,
    profile,
    memoryBytes: Number(/(\d+)gb/.exec(profile)?.[1]) * GIB,
    processes: [],
  }));
  return { ...gpu(index), slices };
}

describe('slices', () => {
  const gpus = [sliced(0, '1g.10gb', '3g.40gb'), gpu(1), gpu(2)];

  test('are given one each to replicas of one GPU when no whole one is left, the largest first', () => {
    const requests = ['a-0', 'b-0', 'c-0', 'd-0'].map((name) => request(name, 1));
    expect(given(allocateGpus(input({ requests, gpus })))).toEqual({
      'a-0': ['GPU-1'],
      'b-0': ['GPU-2'],
      'c-0': ['MIG-0-1'],
      'd-0': ['MIG-0-0'],
    });
  });

  test('are not put together, and leave whole GPUs to who needs several', () => {
    const requests = [request('small-0', 1), request('wide-0', 2)];
    expect(given(allocateGpus(input({ requests, gpus })))).toEqual({
      'small-0': ['MIG-0-1'],
      'wide-0': ['GPU-1', 'GPU-2'],
    });
    const wider = allocateGpus(input({ requests: [request('wide-0', 3)], gpus }));
    expect(wider).toMatchObject({ kind: 'short', shortage: { needed: 3, available: 4 } });
  });

  test('go to who names their profile; without one it gets a whole GPU', () => {
    const requests = [
      { ...request('a-0', 1), profile: '1g.10gb' },
      { ...request('b-0', 1), profile: '2g.20gb' },
    ];
    expect(given(allocateGpus(input({ requests, gpus })))).toEqual({ 'a-0': ['MIG-0-0'], 'b-0': ['GPU-1'] });
  });

  test('what was given before gives way to a replica that fits nowhere else', () => {
    const requests = [request('old-0', 1, ['GPU-1']), request('wide-0', 2)];
    expect(given(allocateGpus(input({ requests, gpus })))).toEqual({
      'old-0': ['MIG-0-1'],
      'wide-0': ['GPU-1', 'GPU-2'],
    });
  });

  test('are chosen by GPU and number', () => {
    const requests = [request('a-0', 1)];
    expect(given(allocateGpus(input({ requests, gpus, restrictTo: ['0:0'] })))).toEqual({ 'a-0': ['MIG-0-0'] });
    expect(given(allocateGpus(input({ requests, gpus, restrictTo: ['MIG-0-1'] })))).toEqual({ 'a-0': ['MIG-0-1'] });
  });

  test('a GPU in MIG mode without any, and one that takes no process, are shown as such', () => {
    const result = allocateGpus(
      input({ requests: [request('a-0', 1)], gpus: [sliced(0), { ...gpu(1), computeMode: 'prohibited' }] }),
    );
    expect(result).toMatchObject({
      kind: 'short',
      shortage: {
        available: 0,
        rows: [{ heldBy: 'compute mode Prohibited' }, { heldBy: 'MIG mode without slices' }],
      },
    });
  });
});

test('a slice in place of a GPU is said, and a GPU in place of a slice', () => {
  const gpus = [sliced(0, '3g.40gb'), gpu(1)];
  const given = new Map([
    ['a-0', ['MIG-0-0']],
    ['b-0', ['GPU-1']],
    ['c-0', ['GPU-1']],
  ]);
  const replicas = [
    { id: 'a-0', profile: undefined },
    { id: 'b-0', profile: '1g.10gb' },
    { id: 'c-0', profile: undefined },
  ];
  expect(sliceNotices(replicas, given, gpus).map(({ code, message }) => `${code} ${message}`)).toEqual([
    'GPU_SLICE a-0 gets slice 0:0 (3g.40gb) and no whole GPU: none is free',
    'GPU_WHOLE b-0 asks for a slice 1g.10gb and gets GPU 1: this machine has no such slice free',
  ]);
});

test('a GPU whose memory is in use counts as held, though its processes have no size or are not listed', () => {
  const full = (processes: Gpu['processes']) => ({ ...gpu(0, processes), memoryFreeBytes: GIB });
  const one = { requests: [request('a-0', 1)] };
  expect(given(allocateGpus(input({ ...one, gpus: [full([]), gpu(1)] })))).toEqual({ 'a-0': ['GPU-1'] });
  const unsized = full([{ pid: 9, name: 'x', memoryBytes: 0 }]);
  const short = allocateGpus(input({ ...one, gpus: [unsized] }));
  expect(short.kind === 'short' && short.shortage.rows.map(({ heldBy }) => heldBy)).toEqual(['process 9 (x)']);
  const unlisted = allocateGpus(input({ ...one, gpus: [full([])] }));
  expect(unlisted.kind === 'short' && unlisted.shortage.rows[0]?.heldBy).toBe('nobody that is listed (79 GiB in use)');
  // What the own project holds is full of its own engine.
  expect(given(allocateGpus(input({ ...one, gpus: [unsized], ownDevices: new Set(['GPU-0']) })))).toEqual({
    'a-0': ['GPU-0'],
  });
  // Where the driver names no total, small things do not count.
  const unified = (memoryBytes: number) => ({
    ...gpu(0, [{ pid: 9, name: 'x', memoryBytes }]),
    memoryTotalBytes: 0,
    memoryFreeBytes: 0,
  });
  expect(allocateGpus(input({ ...one, gpus: [unified(GIB)] })).kind).toBe('allocated');
  expect(allocateGpus(input({ ...one, gpus: [unified(40 * GIB)] })).kind).toBe('short');
});
