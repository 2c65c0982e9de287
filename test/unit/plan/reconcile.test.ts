import { expect, test } from 'vitest';
import { formatPlan, planToJson } from '../../../src/plan/format-plan.ts';
import { planDown, planRestart, planStop } from '../../../src/plan/plan-removal.ts';
import { type ReconcileOptions, reconcile } from '../../../src/plan/reconcile.ts';
import {
  allRunning,
  desiredContainer,
  desiredReplica,
  desiredState,
  observedContainer,
  observedState,
} from './builders.ts';

const OPTIONS: ReconcileOptions = {
  forceRecreate: false,
  detach: false,
  pullAlways: false,
  routableFrontend: 'frontend-0',
  readyReplicas: new Set(['frontend-0', 'decode-0']),
};
const IMAGES = ['worker:1', 'etcd:1', 'nats:1'];

function graph(decode = desiredContainer('p-decode-0')) {
  return desiredState([
    desiredReplica('frontend-0', [desiredContainer('p-frontend-0')]),
    desiredReplica('decode-0', [decode]),
  ]);
}

test('a first up creates everything, starts etcd and NATS first and the rest at once', () => {
  expect(formatPlan(reconcile(graph(), observedState([], IMAGES), OPTIONS))).toMatchInlineSnapshot(`
    "project p: 14 steps
     1  create network p_default  (missing)
     2  create container p-etcd from etcd:1  (missing after 1)
     3  start container p-etcd  (created after 1 2)
     4  wait until etcd answers  (others depend on it after 3)
     5  create container p-nats from nats:1  (missing after 1)
     6  start container p-nats  (created after 1 5)
     7  wait until nats answers  (others depend on it after 6)
     8  create container p-frontend-0 from worker:1  (missing after 1)
     9  start container p-frontend-0  (created after 4 7 8)
    10  wait until frontend-0 is ready  (started after 9)
    11  create container p-decode-0 from worker:1  (missing after 1)
    12  start container p-decode-0  (created after 4 7 11)
    13  wait until decode-0 is ready  (started after 12)
    14  wait until frontend-0 answers a request  (ready means routable after 10 13)
    "
  `);
});

test('what starts after a component waits until it is ready, and nothing waits for itself', () => {
  const after = (id: string, ...startAfter: readonly string[]) =>
    desiredReplica(id, [desiredContainer(`p-${id}`)], { startAfter });
  const starts = (...replicas: Parameters<typeof desiredState>[0]) =>
    Object.fromEntries(
      reconcile(desiredState(replicas), observedState([], IMAGES), OPTIONS)
        .steps.filter(({ id }) => /^startContainer:p-(?!etcd|nats)/.test(id))
        .map(({ target, after: waits }) => [target, waits.filter((id) => id.startsWith('waitReady'))]),
    );
  expect(starts(after('frontend-0', 'decode'), after('decode-0', 'absent'), after('decode-1'))).toEqual({
    'p-decode-0': [],
    'p-decode-1': [],
    'p-frontend-0': ['waitReady:decode-0', 'waitReady:decode-1'],
  });
  expect(starts(after('a-0', 'b'), after('b-0', 'a'))).toEqual({ 'p-b-0': [], 'p-a-0': ['waitReady:b-0'] });
});

test('a second up changes nothing', () => {
  const desired = graph();
  const plan = reconcile(desired, observedState(allRunning(desired), IMAGES), OPTIONS);
  expect(plan.steps).toEqual([]);
  expect(formatPlan(plan)).toBe('project p: nothing to do\n');
});

test('a changed component recreates only itself', () => {
  const before = graph();
  const after = graph(desiredContainer('p-decode-0', { hash: 'other' }));
  expect(formatPlan(reconcile(after, observedState(allRunning(before), IMAGES), OPTIONS))).toMatchInlineSnapshot(`
    "project p: 6 steps
    1  stop container p-decode-0 within 60 s  (configuration changed)
    2  remove container p-decode-0  (configuration changed after 1)
    3  create container p-decode-0 from worker:1  (recreated after 2)
    4  start container p-decode-0  (created after 3)
    5  wait until decode-0 is ready  (started after 4)
    6  wait until frontend-0 answers a request  (ready means routable after 5)
    "
  `);
});

test('an image that was built anew under the same name recreates what runs it', () => {
  const desired = graph();
  const observed = observedState(allRunning(desired), IMAGES);
  const images = new Map([...observed.images, ['worker:1', { id: 'newer', user: '' }]]);
  const plan = reconcile(desired, { ...observed, images }, OPTIONS);
  expect(
    plan.steps
      .filter((step) => step.operation.kind === 'removeContainer')
      .map((step) => `${step.target}: ${step.cause}`),
  ).toEqual(['p-frontend-0: image changed', 'p-decode-0: image changed']);
});

test('what is no longer in the graph is stopped and removed', () => {
  const desired = graph();
  const orphan = observedContainer(desiredContainer('p-planner-0'));
  const plan = reconcile(desired, observedState([...allRunning(desired), orphan], IMAGES), OPTIONS);
  expect(plan.steps.map((step) => `${step.text} (${step.cause})`)).toEqual([
    'stop container p-planner-0 within 60 s (no longer in the graph)',
    'remove container p-planner-0 (no longer in the graph)',
  ]);
});

test('who gets a GPU waits until the container that held it is gone', () => {
  const old = observedContainer(desiredContainer('p-prefill-0', { gpus: ['GPU-0'] }));
  const desired = graph(desiredContainer('p-decode-0', { gpus: ['GPU-0'] }));
  const present = allRunning(desired).filter((container) => container.name !== 'p-decode-0');
  const plan = reconcile(desired, observedState([...present, old], IMAGES), OPTIONS);
  expect(plan.steps.find((step) => step.id === 'startContainer:p-decode-0')?.after).toContain(
    'removeContainer:p-prefill-0',
  );
});

test('a stopped replica is started again, not made anew', () => {
  const desired = graph();
  const observed = allRunning(desired).map((container) =>
    container.name === 'p-decode-0' ? { ...container, status: 'exited' as const } : container,
  );
  const plan = reconcile(desired, observedState(observed, IMAGES), OPTIONS);
  expect(plan.steps.map((step) => step.id)).toEqual([
    'startContainer:p-decode-0',
    'waitReady:decode-0',
    'waitRoutable:frontend-0',
  ]);
});

test('what runs and is not ready yet is waited for', () => {
  const desired = graph();
  const observed = observedState(allRunning(desired), IMAGES);
  const plan = reconcile(desired, observed, { ...OPTIONS, readyReplicas: new Set(['frontend-0']) });
  expect(plan.steps.map((step) => step.id)).toEqual(['waitReady:decode-0', 'waitRoutable:frontend-0']);
});

test('when etcd starts anew, what runs starts anew with it', () => {
  const desired = graph();
  const observed = allRunning(desired).filter((container) => container.name !== 'p-etcd');
  const causes = reconcile(desired, observedState(observed, IMAGES), OPTIONS).steps.map((step) => step.cause);
  expect(causes.filter((cause) => cause === 'etcd or NATS starts anew')).toHaveLength(4);
});

test('what is not ready because etcd has ended gets five seconds to end, what is ready all of its own', () => {
  const containers = allRunning(graph()).map((one) =>
    one.name === 'p-etcd' ? { ...one, status: 'exited' as const } : one,
  );
  const options = { ...OPTIONS, readyReplicas: new Set(['frontend-0']) };
  const { steps } = reconcile(graph(), observedState(containers, IMAGES), options);
  const grace = steps.map(({ operation }) =>
    operation.kind === 'stopContainer' ? [operation.name, operation.graceSeconds] : [],
  );
  expect(grace.filter((entry) => entry.length > 0)).toEqual([
    ['p-frontend-0', 60],
    ['p-decode-0', 5],
  ]);
});

test('missing images are pulled before anything needs them, and --pull always pulls them all', () => {
  const missing = reconcile(graph(), observedState([], ['etcd:1', 'nats:1']), OPTIONS);
  expect(missing.steps.filter((step) => step.operation.kind === 'pullImage').map((step) => step.target)).toEqual([
    'worker:1',
  ]);
  expect(missing.steps.find((step) => step.id === 'createContainer:p-decode-0')?.after).toContain('pullImage:worker:1');
  const all = reconcile(graph(), observedState([], IMAGES), { ...OPTIONS, pullAlways: true });
  expect(all.steps.filter((step) => step.operation.kind === 'pullImage')).toHaveLength(3);
});

test('what runs goes on until the image that replaces it is here', () => {
  const before = graph();
  const after = graph(desiredContainer('p-decode-0', { image: 'worker:2', hash: 'other' }));
  const plan = reconcile(after, observedState(allRunning(before), IMAGES), OPTIONS);
  expect(plan.steps.find((step) => step.id === 'stopContainer:p-decode-0')?.after).toEqual(['pullImage:worker:2']);
});

test('detached, Docker restarts what ends once everything is ready', () => {
  const plan = reconcile(graph(), observedState([], IMAGES), { ...OPTIONS, detach: true });
  const policies = plan.steps.filter((step) => step.operation.kind === 'setRestartPolicy');
  expect(policies.map((step) => step.target)).toEqual(['p-etcd', 'p-nats', 'p-frontend-0', 'p-decode-0']);
  expect(policies[0]?.after).toContain('waitRoutable:frontend-0');
});

test('an attached up takes restarts back from Docker', () => {
  const desired = graph();
  const detached = allRunning(desired).map((container) => ({ ...container, restartPolicy: 'unless-stopped' as const }));
  const plan = reconcile(desired, observedState(detached, IMAGES), OPTIONS);
  expect(plan.steps.every((step) => step.operation.kind === 'setRestartPolicy')).toBe(true);
});

test('init containers run one after another before main, in a sandbox that stands first', () => {
  const joined = { network: { kind: 'container', name: 'p-decode-0-sandbox' } } as const;
  const replica = desiredReplica('decode-0', [
    desiredContainer('p-decode-0-sandbox', { role: 'sandbox', container: 'sandbox' }),
    desiredContainer('p-decode-0-fetch', { role: 'init', container: 'fetch', ...joined }),
    desiredContainer('p-decode-0', joined),
  ]);
  const plan = reconcile(desiredState([replica]), observedState([], IMAGES), {
    ...OPTIONS,
    routableFrontend: undefined,
  });
  const after = (id: string) => plan.steps.find((step) => step.id === id)?.after ?? [];
  expect(after('startContainer:p-decode-0-fetch')).toContain('startContainer:p-decode-0-sandbox');
  expect(after('startContainer:p-decode-0')).toContain('waitCompleted:p-decode-0-fetch');
  expect(after('startContainer:p-decode-0-sandbox')).not.toContain('waitHealthy:etcd');
});

test('every step stands after those it waits for', () => {
  const { steps } = reconcile(graph(), observedState([], []), { ...OPTIONS, detach: true, pullAlways: true });
  const seen = new Set<string>();
  for (const step of steps) {
    expect(step.after.filter((id) => !seen.has(id))).toEqual([]);
    seen.add(step.id);
  }
});

test('the JSON form holds text and never the container itself', () => {
  const secret = desiredContainer('p-decode-0', {
    env: [{ name: 'HF_TOKEN', value: 'canary', secret: true, origin: { kind: 'flag', flag: '-e' } }],
  });
  const json = JSON.stringify(planToJson(reconcile(graph(secret), observedState([], IMAGES), OPTIONS)));
  expect(json).not.toContain('canary');
  expect(JSON.parse(json)).toMatchObject({ project: 'p', notices: [] });
  expect(JSON.parse(json).steps[0]).toEqual({
    id: 'createNetwork:p_default',
    kind: 'createNetwork',
    target: 'p_default',
    text: 'create network p_default',
    cause: 'missing',
    after: [],
  });
});

test('down stops the graph at once, then removes everything; claims stay without -v', () => {
  const desired = graph();
  const observed = observedState(allRunning(desired), IMAGES, {
    volumes: [
      { name: 'p_model-cache', scratch: false },
      { name: 'p_decode-0-tmp', scratch: true },
    ],
  });
  expect(formatPlan(planDown(observed, { volumes: false }))).toMatchInlineSnapshot(`
    "project p: 8 steps
    1  stop container p-frontend-0 within 60 s  (down)
    2  stop container p-decode-0 within 60 s  (down)
    3  remove container p-etcd  (down after 1 2)
    4  remove container p-nats  (down after 1 2)
    5  remove container p-frontend-0  (down after 1)
    6  remove container p-decode-0  (down after 2)
    7  remove network p_default  (down after 3 4 5 6)
    8  remove volume p_decode-0-tmp  (down after 3 4 5 6)
    "
  `);
  expect(planDown(observed, { volumes: true }).steps.map((step) => step.id)).toContain('removeVolume:p_model-cache');
});

test('stopping ends the graph before etcd and NATS', () => {
  const desired = graph();
  const plan = planStop(observedState(allRunning(desired), IMAGES), 'interrupted');
  expect(plan.steps.find((step) => step.target === 'p-etcd')?.after).toEqual([
    'stopContainer:p-frontend-0',
    'stopContainer:p-decode-0',
  ]);
});

test('restart stops, starts and waits for the chosen replicas alone', () => {
  const desired = graph();
  const observed = observedState(allRunning(desired), IMAGES);
  const plan = planRestart(
    observed,
    observed.containers.filter((container) => container.name === 'p-decode-0'),
  );
  expect(plan.steps.map((step) => step.id)).toEqual([
    'stopContainer:p-decode-0',
    'startContainer:p-decode-0',
    'waitReady:decode-0',
  ]);
});

test('restart of a stopped pod starts its sandbox first, then what it begins with, then the rest', () => {
  const pod = (name: string, role: 'sandbox' | 'init' | 'sidecar' | 'main', startedAt: number) =>
    observedContainer(desiredContainer(name, { role }), { component: 'w', status: 'exited', role, startedAt });
  const containers = [
    pod('p-w-0-sandbox', 'sandbox', 1),
    pod('p-w-0-second', 'init', 3),
    pod('p-w-0-first', 'init', 2),
    pod('p-w-0-log', 'sidecar', 4),
    pod('p-w-0', 'main', 4),
  ];
  const plan = planRestart(observedState(containers, IMAGES), containers);
  expect(plan.steps.map(({ id, after }) => [id, after])).toEqual([
    ['startContainer:p-w-0-sandbox', []],
    ['startContainer:p-w-0-first', ['startContainer:p-w-0-sandbox']],
    ['waitCompleted:p-w-0-first', ['startContainer:p-w-0-first']],
    ['startContainer:p-w-0-second', ['waitCompleted:p-w-0-first']],
    ['waitCompleted:p-w-0-second', ['startContainer:p-w-0-second']],
    ['startContainer:p-w-0-log', ['waitCompleted:p-w-0-second']],
    ['startContainer:p-w-0', ['waitCompleted:p-w-0-second']],
    ['waitReady:w-0', ['startContainer:p-w-0-log', 'startContainer:p-w-0']],
  ]);
});

test('an image that is here is asked for again where the file says Always and its container starts', () => {
  const always = desiredContainer('p-decode-0', { pullPolicy: 'Always' });
  const pulls = (observed: Parameters<typeof reconcile>[1]) =>
    reconcile(graph(always), observed, OPTIONS)
      .steps.filter(({ operation }) => operation.kind === 'pullImage')
      .map(({ operation, cause }) => [operation.kind === 'pullImage' && operation.isHere, cause]);
  expect(pulls(observedState([], IMAGES))).toEqual([[true, 'imagePullPolicy: Always']]);
  expect(pulls(observedState([], []))).toContainEqual([false, 'not on this machine']);
  expect(pulls(observedState(allRunning(graph(always)), IMAGES))).toEqual([]);
});

test('what stands after a native sidecar waits until its startup probe passes', () => {
  const probe = {
    handler: { kind: 'tcpSocket', port: 1 },
    initialDelaySeconds: 0,
    periodSeconds: 1,
    timeoutSeconds: 1,
    successThreshold: 1,
    failureThreshold: 3,
  } as const;
  const pod = (probes: object) =>
    desiredReplica('w-0', [
      desiredContainer('p-w-0-proxy', { role: 'sidecar', holdsBack: true, probes }),
      desiredContainer('p-w-0-fetch', { role: 'init' }),
      desiredContainer('p-w-0'),
    ]);
  const after = (probes: object, id: string) =>
    reconcile(desiredState([pod(probes)]), observedState([], IMAGES), OPTIONS).steps.find((step) => step.id === id)
      ?.after;
  expect(after({ startup: probe }, 'startContainer:p-w-0-fetch')).toContain('waitStarted:p-w-0-proxy');
  expect(after({ startup: probe }, 'waitStarted:p-w-0-proxy')).toEqual(['startContainer:p-w-0-proxy']);
  expect(after({}, 'startContainer:p-w-0-fetch')).toContain('startContainer:p-w-0-proxy');
});
