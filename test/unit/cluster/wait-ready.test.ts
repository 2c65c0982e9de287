import { describe, expect, test } from 'vitest';
import type { Kubectl } from '../../../src/cluster/kubectl.ts';
import { waitReady } from '../../../src/cluster/wait-ready.ts';
import { UserError } from '../../../src/model/diagnostic.ts';
import type { Json } from '../../../src/model/node.ts';

function ready(message: string): Json {
  return [{ type: 'Ready', status: 'False', message }];
}

interface Looks {
  readonly statuses: readonly Json[];
  /** Pods at each look; an error is what kubectl rejects with. */
  readonly pods?: readonly (readonly Json[] | UserError)[];
  readonly timeoutMs?: number;
}

/** Looks at one status after another, the last again and again, until `timeoutMs` of a clock that only sleeping moves. */
async function wait({ statuses, pods = [[]], timeoutMs = 10_000 }: Looks) {
  const looks = { graph: 0, pods: 0 };
  let now = 0;
  const said: string[] = [];
  const stages: string[] = [];
  const unused = () => Promise.reject(new Error('not asked'));
  const next = <T>(list: readonly T[], look: number) => list[Math.min(look, list.length - 1)];
  const kubectl: Kubectl = {
    json: async (args) => {
      if (args.includes('pods')) {
        const items = next(pods, looks.pods++);
        if (items instanceof UserError) throw items;
        return { kind: 'List', items: items ?? [] };
      }
      const status = next(statuses, looks.graph++) ?? null;
      return { kind: 'DynamoGraphDeployment', metadata: { name: 'g', generation: 2 }, status };
    },
    name: unused,
    raw: unused,
    text: unused,
    start: unused,
    watch: () => undefined,
  };
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const end = await waitReady(
    kubectl,
    { name: 'g', namespace: undefined },
    {
      clock,
      signal: new AbortController().signal,
      timeoutMs,
      onChange: (text: string) => said.push(text),
      onPod: ({ name, stage }) => stages.push(`${name} ${stage}`),
    },
  );
  const { failure } = end;
  return {
    end: failure ? `${failure.exitCode} ${failure.code}: ${failure.message}` : 'ready',
    said,
    stages,
    looks: looks.graph,
  };
}

const PENDING = { state: 'pending', conditions: ready('Resources not ready: decode'), observedGeneration: 2 };
const DONE = { state: 'successful', conditions: [], observedGeneration: 2 };

test('it ends when the operator has made this generation ready, and says what it says once', async () => {
  const stale = { state: 'successful', conditions: [], observedGeneration: 1 };
  const { end, said } = await wait({ statuses: [stale, PENDING, PENDING, DONE] });
  expect([end, said]).toEqual(['ready', ['pending: Resources not ready: decode']]);
});

test('what the operator cannot make ends it, and an old failure does not', async () => {
  const failed = (observedGeneration: number) => ({
    state: 'failed',
    conditions: ready('no claim cache'),
    observedGeneration,
  });
  const { end } = await wait({ statuses: [failed(1), failed(2)] });
  expect(end).toBe('4 GRAPH_FAILED: the operator cannot make the graph: no claim cache');
});

test('when the time is over, an operator that is silent and a graph that is late are told apart', async () => {
  expect((await wait({ statuses: [null] })).end).toBe(
    '5 OPERATOR_SILENT: no operator has looked at the graph within 10 s',
  );
  expect((await wait({ statuses: [{ state: 'pending' }] })).end).toBe(
    '5 NOT_READY: the graph is not ready after 10 s: pending',
  );
});

function pod(name: string, status: Json): Json {
  return { metadata: { name, labels: { 'nvidia.com/dynamo-component': 'decode' } }, spec: { containers: [] }, status };
}
const placed = { type: 'PodScheduled', status: 'True' };
const waiting = (reason: string, message: string, restartCount = 0, last: Json = null): Json => ({
  phase: 'Pending',
  conditions: [placed],
  containerStatuses: [
    {
      name: 'main',
      image: 'r/vllm:9',
      restartCount,
      state: { waiting: { reason, message } },
      ...(last === null ? {} : { lastState: { terminated: last } }),
    },
  ],
});
const up = { phase: 'Running', conditions: [placed, { type: 'Ready', status: 'True' }] };

describe('pods', () => {
  test('that nobody can see for a moment are looked at again; for longer than a minute ends it', async () => {
    const away = new UserError('CLUSTER_UNREACHABLE', 'the cluster does not answer');
    const { end, said } = await wait({ statuses: [PENDING, PENDING, PENDING, DONE], pods: [[], away, away, []] });
    expect([end, said]).toEqual([
      'ready',
      ['pending: Resources not ready: decode', 'the cluster does not answer: it is asked again'],
    ]);
    const gone = wait({ statuses: [PENDING], pods: [away], timeoutMs: 600_000 });
    await expect(gone).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });

  test('that run show that an operator is there, whatever the status says', async () => {
    const { end } = await wait({ statuses: [null], pods: [[pod('a', { phase: 'Running', conditions: [placed] })]] });
    expect(end).toBe('5 NOT_READY: the graph is not ready after 10 s: its operator has said nothing of it yet');
  });

  test('are told stage by stage, each once, and gone when they are gone', async () => {
    const { stages, end } = await wait({
      statuses: [PENDING, PENDING, PENDING, PENDING, DONE],
      pods: [
        [pod('a', { phase: 'Pending' })],
        [pod('a', waiting('ContainerCreating', ''))],
        [pod('a', { phase: 'Running', conditions: [placed] }), pod('b', up)],
        [pod('a', up), pod('b', up)],
        [pod('b', up)],
      ],
    });
    expect(end).toBe('ready');
    expect(stages).toEqual(['a waiting', 'a created', 'a started', 'b ready', 'a ready', 'a removed']);
  });

  test('that crash again and again end it, one that crashed twice does not', async () => {
    const crash = (count: number) => [
      pod('a', waiting('CrashLoopBackOff', 'back-off', count, { exitCode: 137, reason: 'OOMKilled' })),
    ];
    const { end, looks } = await wait({ statuses: [PENDING], pods: [crash(1), crash(2), crash(3)] });
    expect([end, looks]).toEqual([
      '4 CRASH_LOOP: container main ended with 137 (out of memory) and was started 4 times',
      3,
    ]);
  });

  test('an image that cannot be pulled ends it after a minute, one with a wrong name at once', async () => {
    const slow = await wait({
      statuses: [PENDING],
      pods: [[pod('a', waiting('ImagePullBackOff', 'not found'))]],
      timeoutMs: 600_000,
    });
    expect([slow.end, slow.looks]).toEqual(['4 IMAGE_PULL: the cluster cannot pull r/vllm:9: not found', 31]);
    const wrong = await wait({ statuses: [PENDING], pods: [[pod('a', waiting('InvalidImageName', 'bad'))]] });
    expect([wrong.end, wrong.looks]).toEqual(['4 IMAGE_PULL: the cluster cannot pull r/vllm:9: bad', 1]);
  });

  test('that no node takes are waited for until the time is over, and are then the reason', async () => {
    const status = {
      phase: 'Pending',
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/3: 3 Insufficient nvidia.com/gpu',
        },
      ],
    };
    const { end } = await wait({ statuses: [PENDING], pods: [[pod('a', status)]] });
    expect(end).toBe('5 POD_UNSCHEDULABLE: not ready after 10 s: no node takes a: 0/3: 3 Insufficient nvidia.com/gpu');
  });

  test('a Secret that is not there, and a pod that the node threw out, are named', async () => {
    const config = await wait({
      statuses: [PENDING],
      pods: [[pod('a', waiting('CreateContainerConfigError', 'secret "x" not found'))]],
    });
    expect(config.end).toContain('5 CONTAINER_CONFIG: not ready after 10 s: container main cannot be made: secret "x"');
    const evicted = await wait({
      statuses: [PENDING],
      pods: [[pod('a', { phase: 'Failed', reason: 'Evicted', message: 'low on memory' })]],
    });
    expect(evicted.end).toBe('4 POD_FAILED: a has failed: Evicted: low on memory');
  });

  test('that nobody may see are not looked for again', async () => {
    const forbidden = new UserError('FORBIDDEN', 'no');
    const { end, stages } = await wait({ statuses: [PENDING, DONE], pods: [forbidden, [pod('a', up)]] });
    expect([end, stages]).toEqual(['ready', []]);
  });
});

test('a change that the cluster tells of is looked at without waiting', async () => {
  let change: () => void = () => undefined;
  let looks = 0;
  const unused = () => Promise.reject(new Error('not asked'));
  const kubectl: Kubectl = {
    json: async (args) => {
      if (args.includes('pods')) return { items: [] };
      looks += 1;
      return { metadata: { name: 'g', generation: 2 }, status: looks < 2 ? PENDING : DONE };
    },
    name: unused,
    raw: unused,
    text: unused,
    start: unused,
    watch: (_, onChange) => {
      change = onChange;
    },
  };
  let slept = 0;
  const clock = {
    now: () => 0,
    sleep: (): Promise<void> => {
      slept += 1;
      change();
      return new Promise(() => undefined);
    },
  };
  const never = new AbortController().signal;
  const options = { clock, signal: never, timeoutMs: 1000, onChange: () => undefined, onPod: () => undefined };
  expect((await waitReady(kubectl, { name: 'g', namespace: 'n' }, options)).failure).toBeUndefined();
  expect([looks, slept]).toEqual([2, 1]);
});
