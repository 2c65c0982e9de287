import fc from 'fast-check';
import { expect, test } from 'vitest';
import { listReplicas } from '../../../src/plan/build-desired-state.ts';
import { shareGpus } from '../../../src/plan/share-gpus.ts';
import { betaText, containerIn, layOut } from './lay-out.ts';

function worker(name: string, module: string, replicas: number, extra = '[--model, m]', gpus = 1): string {
  return `{name: ${name}, type: worker, replicas: ${replicas}, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0", command: [python3, -m, ${module}], args: ${extra}, resources: {limits: {"nvidia.com/gpu": "${gpus}"}}}]}}}`;
}

test('two replicas a GPU: memory flags by engine, and one starts after the other', () => {
  const text = betaText(
    worker('a', 'dynamo.vllm', 2),
    worker('b', 'dynamo.sglang', 2),
    worker('c', 'dynamo.trtllm', 2),
  );
  const built = layOut(text, '1.5', { perGpu: 2 });
  const args = built.desired.replicas.map(({ id, containers }) => [id, ...(containers.at(-1)?.args ?? []).slice(2)]);
  expect(args).toEqual([
    ['a-0', '--gpu-memory-utilization', '0.45'],
    ['a-1', '--gpu-memory-utilization', '0.45'],
    ['b-0', '--mem-fraction-static', '0.4'],
    ['b-1', '--mem-fraction-static', '0.4'],
    ['c-0', '--free-gpu-memory-fraction', '0.45'],
    ['c-1', '--free-gpu-memory-fraction', '0.9'],
  ]);
  expect(built.desired.replicas.map(({ startAfterReplica }) => startAfterReplica)).toEqual([
    ...[undefined, 'a-0'],
    ...[undefined, 'b-0'],
    ...[undefined, 'c-0'],
  ]);
});

test('replicas of a component that starts after itself start one after another', () => {
  const after = (name: string, annotation: string) =>
    worker(name, 'dynamo.vllm', 3).replace(
      'podTemplate: {',
      `podTemplate: {metadata: {annotations: {"dynamo.local/start-after": "${annotation}"}}, `,
    );
  const built = layOut(betaText(after('a', 'b, a'), worker('b', 'dynamo.vllm', 1)), '1.5', {});
  expect(built.desired.replicas.map(({ startAfter, startAfterReplica }) => [startAfter, startAfterReplica])).toEqual([
    [['b'], undefined],
    [['b'], 'a-0'],
    [['b'], 'a-1'],
    [[], undefined],
  ]);
});

test('what the file says of memory stays, a shell is told by hand, who is alone keeps all', () => {
  const text = betaText(
    worker('a', 'dynamo.vllm', 2, '[--gpu-memory-utilization, "0.9"]'),
    '{name: b, type: worker, replicas: 2, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0", command: [sh, -c], args: ["exec python3 -m dynamo.vllm"], resources: {limits: {"nvidia.com/gpu": "1"}}}]}}}',
    worker('c', 'dynamo.vllm', 1),
  );
  const built = layOut(text, '1.5', { perGpu: 2 });
  const said = built.diagnostics.filter(({ code }) => code === 'SHARE_GPUS').map(({ message }) => message);
  expect(said).toEqual([
    'a-0: --gpu-memory-utilization stays as the file has it; 2 replicas share the GPU',
    'a-1: --gpu-memory-utilization stays as the file has it; 2 replicas share the GPU',
    'b-0: add --gpu-memory-utilization 0.45 to its command by hand: 2 replicas share the GPU, and it runs in a shell',
    'b-1: add --gpu-memory-utilization 0.45 to its command by hand: 2 replicas share the GPU, and it runs in a shell',
  ]);
  expect(containerIn(built, 'c').args).toEqual(['--model', 'm']);
  expect(containerIn(layOut(text), 'c').args).toEqual(['--model', 'm']);
});

test('a prefill and a decode of one GPU each share one; who needs two shares two', () => {
  const { resolved } = layOut(
    betaText(worker('p', 'dynamo.vllm', 1), worker('d', 'dynamo.vllm', 1), worker('w', 'dynamo.vllm', 2, '[]', 2)),
  );
  const slots = listReplicas(resolved, new Map(), 2).map(({ id, gpuSlots }) => [id, ...gpuSlots]);
  expect(slots).toEqual([
    ['p-0', 'shared-1-0-0'],
    ['d-0', 'shared-1-0-0'],
    ['w-0', 'shared-2-0-0', 'shared-2-0-1'],
    ['w-1', 'shared-2-0-0', 'shared-2-0-1'],
  ]);
});

test('whatever the replicas: never more than asked on one GPU, and each waits for the one before it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 }),
      fc.integer({ min: 2, max: 8 }),
      (counts, perGpu) => {
        const takers = counts.map((gpuCount, index) => ({ id: `r-${index}`, gpuCount, gpuSlots: [] }));
        const shares = shareGpus(takers, perGpu);
        const bySlot = new Map<string, string[]>();
        for (const [id, { slots }] of shares)
          for (const slot of slots) bySlot.set(slot, [...(bySlot.get(slot) ?? []), id]);
        for (const members of bySlot.values()) {
          expect(members.length).toBeLessThanOrEqual(perGpu);
          for (const [nth, id] of members.entries())
            expect(shares.get(id)).toMatchObject({ nth, of: members.length, after: members[nth - 1] });
        }
        expect(shares.size).toBe(counts.filter((count) => count > 0).length);
      },
    ),
  );
});
