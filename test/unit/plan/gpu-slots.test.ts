import { expect, test } from 'vitest';
import { mergeSlots } from '../../../src/plan/gpu-slots.ts';

function request(replica: string, slots: string, count = slots.split(',').filter(Boolean).length, previous = '') {
  return {
    replica,
    count,
    slots: slots.split(',').filter(Boolean),
    previous: previous.split(',').filter(Boolean),
  };
}

/** Gives the requests GPUs a, b, c… one after another. */
function give(...all: ReturnType<typeof request>[]) {
  const merged = mergeSlots(all);
  const names = [...'abcdefgh'];
  const given = new Map(merged.requests.map(({ replica, count }) => [replica, names.splice(0, count)]));
  return {
    counts: merged.requests.map(({ replica, count }) => `${replica}:${count}`),
    byReplica: Object.fromEntries([...merged.split(given)].map(([replica, gpus]) => [replica, gpus.join(',')])),
  };
}

test('replicas without slots ask for GPUs of their own', () => {
  expect(give(request('a-0', '', 2), request('b-0', '', 1), request('frontend-0', ''))).toEqual({
    counts: ['a-0:2', 'b-0:1', 'frontend-0:0'],
    byReplica: { 'a-0': 'a,b', 'b-0': 'c', 'frontend-0': '' },
  });
});

test('equal slots are one GPU, and who shares through another one is of the same request', () => {
  expect(give(request('x-0', '', 1), request('a-0', '0'), request('b-0', '1'), request('c-0', '1,0'))).toEqual({
    counts: ['x-0:1', 'a-0:2'],
    byReplica: { 'x-0': 'a', 'a-0': 'b', 'b-0': 'c', 'c-0': 'c,b' },
  });
});

test('a replica that --scale adds has no slot and gets its own GPU', () => {
  expect(give(request('a-0', '0'), request('b-0', '0'), request('b-1', '', 1)).byReplica).toEqual({
    'a-0': 'a',
    'b-0': 'a',
    'b-1': 'b',
  });
});

test('two containers of a replica may use one GPU', () => {
  expect(give(request('a-0', '0,0,1'))).toEqual({ counts: ['a-0:2'], byReplica: { 'a-0': 'a,a,b' } });
});

test('what the slots were before is asked for again, unless the replicas disagree', () => {
  const before = (b: string) =>
    mergeSlots([request('a-0', '0,1', 2, 'GPU-5,GPU-6'), request('b-0', '1', 1, b)]).requests.map(
      ({ previous }) => previous,
    );
  expect(before('GPU-6')).toEqual([['GPU-5', 'GPU-6']]);
  expect(before('GPU-7')).toEqual([[]]);
  expect(before('')).toEqual([[]]);
});
