import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serves } from '../../support/cluster-answers.ts';
import { type Exchange, fakeKubectl } from '../../support/fake-kubectl.ts';
import { runCli } from '../../support/run-cli.ts';

const CANARY = 'canary-91ce';
const FILE = `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: agg}
spec:
  components:
    - name: decode
      type: decode
      podTemplate:
        metadata: {annotations: {dynamo.local/gpu-slots: "0,0"}}
        spec:
          volumes:
            - {name: own, persistentVolumeClaim: {claimName: own}}
            - {name: all, projected: {sources: [{secret: {name: hf-token-secret}}]}}
            - {name: cache, persistentVolumeClaim: {claimName: cache}}
          containers:
            - name: main
              image: vllm-runtime:my-tag
              resources: {limits: {nvidia.com/gpu: "2"}}
              envFrom: [{secretRef: {name: hf-token-secret}}, {secretRef: {name: perhaps, optional: true}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: own}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Secret
metadata: {name: hf-token-secret}
stringData: {HF_TOKEN: ${CANARY}}
`;
const THERE: readonly Exchange[] = [
  { asks: /^get secret\/hf-token-secret --namespace=serving --output=name$/, stdout: 'secret/hf-token-secret' },
  {
    asks: /^get persistentvolumeclaim\/cache --namespace=serving --output=name$/,
    stdout: 'persistentvolumeclaim/cache',
  },
];
/** Two nodes with GPUs, one of them closed; no default storage class. */
const ROOM: readonly Exchange[] = [
  {
    asks: /^get nodes /,
    stdout: {
      items: [
        {
          metadata: { labels: { 'nvidia.com/gpu.product': 'L40S' } },
          status: { allocatable: { 'nvidia.com/gpu': '1' } },
        },
        { metadata: {}, spec: { unschedulable: true }, status: { allocatable: { 'nvidia.com/gpu': '8' } } },
      ],
    },
  },
  { asks: /^get storageclasses /, stdout: { items: [{ metadata: { name: 'fast' } }] } },
  {
    asks: /^get deployments --all-namespaces --selector=app.kubernetes.io\/name=dynamo-operator /,
    stdout: {
      items: [
        {
          metadata: { labels: { 'app.kubernetes.io/version': '1.5.0' } },
          status: { replicas: 1, unavailableReplicas: 1 },
        },
      ],
    },
  },
];
const APPLY = /^apply --server-side --field-manager=dynamo --validate=strict --namespace=serving --filename=- /;

async function push(exchanges: readonly Exchange[], ...flags: readonly string[]) {
  await using kubectl = await fakeKubectl([...exchanges, ...ROOM]);
  const env = { ...kubectl.env, MY_TOKEN: CANARY };
  const run = await runCli(['push', '-', '--no-wait', '-n', 'serving', ...flags], { env, stdin: FILE });
  return { ...run, calls: await kubectl.calls() };
}

test('what fits is applied as one list on stdin: the real tag, no local annotation, no Secret', async () => {
  const run = await push([...serves('v1beta1'), ...THERE, { asks: APPLY, stdout: {} }], '--tag', '1.5.0');
  expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 0, stdout: '' });
  const sent = JSON.parse(run.calls.at(-1)?.stdin ?? '');
  expect(sent.items.map((item: { kind: string }) => item.kind)).toEqual([
    'PersistentVolumeClaim',
    'DynamoGraphDeployment',
  ]);
  expect(sent.items[1].metadata).toEqual({ name: 'agg', namespace: 'serving' });
  const [decode] = sent.items[1].spec.components;
  expect(decode.podTemplate.metadata).toBeUndefined();
  expect(decode.podTemplate.spec.containers[0].image).toBe('vllm-runtime:1.5.0');
  expect(run.stderr).toContain('agg: applied; to undo: kubectl delete dynamographdeployment agg -n serving');
  expect(run.stderr).toContain('Secrets of the file are not sent: hf-token-secret');
  expect(JSON.stringify(run)).not.toContain(CANARY);
});

test('a cluster of v1alpha1 alone gets v1alpha1', async () => {
  const run = await push([...serves('v1alpha1'), ...THERE, { asks: APPLY, stdout: {} }], '--tag', '1.1.0');
  expect(run.exitCode).toBe(0);
  const graph = JSON.parse(run.calls.at(-1)?.stdin ?? '').items[1];
  expect([graph.apiVersion, Object.keys(graph.spec.services)]).toEqual(['nvidia.com/v1alpha1', ['decode']]);
});

test('a cluster of v1beta1 alone gets v1beta1 of a v1alpha1 file', async () => {
  const stdin = `apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: old}
spec: {services: {decode: {componentType: worker, extraPodSpec: {mainContainer: {image: "x/vllm-runtime:1.5.0"}}}}}
`;
  await using kubectl = await fakeKubectl([...serves('v1beta1'), ...ROOM, { asks: APPLY, stdout: {} }]);
  const run = await runCli(['push', '-', '--no-wait', '-n', 'serving'], { env: kubectl.env, stdin });
  expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining('old: applied')]);
  const [graph] = JSON.parse((await kubectl.calls()).at(-1)?.stdin ?? '').items;
  expect([graph.apiVersion, graph.spec.components[0].name]).toEqual(['nvidia.com/v1beta1', 'decode']);
});

test('what is of this machine alone is refused: its folders, and flags of up', async () => {
  const volume = (path: string) =>
    FILE.replace('claimName: own}', `claimName: own}}\n            - {name: h, hostPath: {path: ${path}}`).replace(
      'my-tag',
      '1.5.0',
    );
  await using kubectl = await fakeKubectl([...serves('v1beta1'), ...THERE, ...ROOM, { asks: APPLY, stdout: {} }]);
  const push = (stdin: string, ...flags: string[]) =>
    runCli(['push', '-', '--no-wait', '-n', 'serving', ...flags], { env: kubectl.env, stdin });
  const refused = await push(volume('/home/me/models'));
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringContaining('error HOST_PATH: decode: /home/me/models would be a folder of the node'),
  ]);
  expect((await push(volume('/home/me/models'), '--keep-host-paths')).exitCode).toBe(0);
  expect((await push(volume('/dev/infiniband'))).exitCode).toBe(0);
  const mock = await push(FILE, '--mock');
  expect([mock.exitCode, mock.stderr]).toEqual([2, expect.stringContaining('--mock is for this machine')]);
});

test('a script is shown as it is sent, its images are chosen by runtime, and a model of this machine stays here', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'push-script-'));
  await using kubectl = await fakeKubectl([
    ...serves('v1beta1'),
    ...ROOM,
    { asks: /^get secret/, stdout: 'secret/hf-token-secret' },
    { asks: APPLY, stdout: {} },
  ]);
  const push = async (model: string, ...flags: string[]) => {
    const file = join(folder, 'agg.sh');
    await writeFile(file, `#!/bin/bash\npython3 -m dynamo.frontend &\npython3 -m dynamo.vllm --model ${model}\n`);
    return runCli(['push', file, '--no-wait', '-n', 'serving', ...flags], { env: kubectl.env });
  };
  try {
    const sent = await push('Qwen/Qwen3-0.6B', '--image', 'vllm=mine/engine:1.5.0');
    expect([sent.exitCode, sent.stderr]).toEqual([0, expect.stringContaining('vllm-agg: applied')]);
    expect(sent.stdout).toContain('kind: DynamoGraphDeployment');
    expect(sent.stdout.match(/image: mine\/engine:1\.5\.0/g)).toHaveLength(2);
    const refused = await push(folder);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining(`${folder} is on this machine; its pods do not have it`),
    ]);
    expect((await push('a/b', '--image', 'sglang=x:1')).stderr).toContain('the graph has no component "sglang"');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('--dry-run asks the server and says that nothing is changed', async () => {
  const exchanges = [...serves('v1beta1'), ...THERE, { asks: /^apply .*--dry-run=server /, stdout: {} }];
  const run = await push(exchanges, '--tag', '1.5.0', '--dry-run');
  expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining('the cluster would take it')]);
});

test('my-tag and what the operator refuses are said before anything is asked for or sent', async () => {
  const run = await push(serves('v1beta1'));
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain('<stdin>:17:22 error IMAGE_PLACEHOLDER: decode: "vllm-runtime:my-tag"');
  expect(run.calls.every(({ args }) => args.startsWith('get --raw '))).toBe(true);
});

test('a Secret and a claim that are not there are said with what makes them, and nothing is sent', async () => {
  const run = await push(
    [...serves('v1beta1'), { asks: /^get /, stderr: 'Error from server (NotFound): "x" not found', exitCode: 1 }],
    '--tag',
    '1.5.0',
  );
  expect(run.exitCode).toBe(3);
  expect(run.stderr).toContain(
    'error SECRET_MISSING: the cluster has no Secret hf-token-secret (kubectl create secret',
  );
  expect(run.stderr).toContain('error CLAIM_MISSING: the cluster has no PersistentVolumeClaim cache');
  expect(run.calls.some(({ args }) => args.startsWith('apply'))).toBe(false);
});

test.each([
  ['Apply failed with 1 conflict: conflict with "kubectl" using nvidia.com/v1beta1: .spec', 'APPLY_CONFLICT', 3],
  ['Error from server (Forbidden): persistentvolumeclaims "own" is forbidden: exceeded quota: q', 'QUOTA_EXCEEDED', 3],
  ['Error from server (NotFound): namespaces "serving" not found', 'NAMESPACE_MISSING', 3],
  ['Error from server (Forbidden): admission webhook "vdgd.kb.io" denied the request: no', 'CLUSTER_REFUSED', 2],
])('the cluster says %j: %s', async (said, code, exit) => {
  const run = await push(
    [...serves('v1beta1'), ...THERE, { asks: APPLY, stderr: said, exitCode: 1 }],
    '--tag',
    '1.5.0',
  );
  expect(run.exitCode).toBe(exit);
  expect(run.stderr).toContain(`error ${code}: `);
  expect(run.stderr).toContain(said);
});

test('what the cluster is, an operator that does not run, and nodes that nothing can start together, are said', async () => {
  const groups = { asks: /^get --raw \/apis$/, stdout: { groups: [{ name: 'apps' }, { name: 'nvidia.com' }] } };
  const stdin = FILE.replace('type: decode', 'type: decode\n      multinode: {nodeCount: 2}');
  await using kubectl = await fakeKubectl([
    groups,
    ...serves('v1beta1'),
    ...THERE,
    ...ROOM,
    { asks: APPLY, stdout: {} },
  ]);
  const flags = ['-n', 'serving', '--no-wait', '--tag', '1.5.0'];
  const { stderr } = await runCli(['push', '-', ...flags], { env: kubectl.env, stdin });
  expect(stderr).toContain('notice CLUSTER: the cluster has operator 1.5.0, 1 × L40S');
  expect(stderr).toContain('warning OPERATOR_DOWN: ');
  expect(stderr).toMatch(/<stdin>:8:\d+ warning NO_ORCHESTRATOR: decode spans 2 nodes/);
});

test('a graph that the nodes have no GPUs for and a claim that nothing binds are warned about', async () => {
  const run = await push([...serves('v1beta1'), ...THERE, { asks: APPLY, stdout: {} }], '--tag', '1.5.0');
  expect(run.stderr).toContain(
    'warning CLUSTER_GPUS: the graph asks for 2 GPUs; the nodes of the cluster have 1 × L40S',
  );
  expect(run.stderr).toContain('warning STORAGE_CLASS: claim own: the cluster has no default storage class');
  expect(run.stderr).toContain('(there are: fast)');
});

test('--create-secrets sends the Secret of the file on stdin; its value is nowhere else', async () => {
  const [, claim] = THERE;
  const run = await push(
    [...serves('v1beta1'), ...(claim ? [claim] : []), { asks: APPLY, stdout: {} }],
    ...['--tag', '1.5.0', '--create-secrets', 'hf-token-secret', '--secret', 'other.KEY=MY_TOKEN'],
  );
  expect(run.exitCode).toBe(0);
  const [secret, ...more] = JSON.parse(run.calls.at(-1)?.stdin ?? '').items.filter(
    (item: { kind: string }) => item.kind === 'Secret',
  );
  expect([secret.metadata, secret.stringData, more]).toEqual([
    { name: 'hf-token-secret', namespace: 'serving' },
    { HF_TOKEN: CANARY },
    [],
  ]);
  expect(run.stderr).toContain('Secrets of the file are not sent: other; those of the cluster are used');
  expect(run.stdout + run.stderr + run.calls.map(({ args }) => args).join()).not.toContain(CANARY);
});

test('a Secret that nothing here has values for is refused before anything is sent', async () => {
  const run = await push([...serves('v1beta1'), ...THERE], '--tag', '1.5.0', '--create-secrets', 'perhaps');
  expect([run.exitCode, run.stderr]).toEqual([
    3,
    expect.stringContaining('error SECRET_UNKNOWN: --create-secrets perhaps'),
  ]);
  expect(run.calls.some(({ args }) => args.startsWith('apply'))).toBe(false);
});

/** A pod of `decode` that was placed, with what its main container is like. */
function decodePod(main: object) {
  return {
    metadata: { name: 'agg-decode-x', labels: { 'nvidia.com/dynamo-component': 'decode' } },
    status: {
      phase: 'Running',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: [{ name: 'main', ...main }],
    },
  };
}

test('a pod that keeps ending is shown as it comes, with the card of up and its last words', async () => {
  const pod = decodePod({
    restartCount: 4,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error' } },
  });
  const words = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9 GiB';
  await using kubectl = await fakeKubectl([
    ...serves('v1beta1'),
    ...THERE,
    ...ROOM,
    { asks: APPLY, stdout: {} },
    { asks: /--watch-only/, stdout: '' },
    {
      asks: /^get pods --selector=nvidia.com\/dynamo-graph-deployment-name=agg --namespace=serving/,
      stdout: { items: [pod] },
    },
    {
      asks: /^get dynamographdeployments.nvidia.com\/agg/,
      stdout: { metadata: { name: 'agg' }, status: { state: 'pending' } },
    },
    { asks: /^logs agg-decode-x --tail=20 --container=main --namespace=serving --previous/, stdout: words },
  ]);
  const run = await runCli(['push', '-', '-n', 'serving', '--tag', '1.5.0', '--progress', 'plain'], {
    env: kubectl.env,
    stdin: FILE,
  });
  expect(run.exitCode).toBe(4);
  expect(run.stderr).toContain('agg: pending\n');
  expect(run.stderr).toContain('agg-decode-x  restarting (container main ended with 1 and was started 5 times)');
  expect(run.stderr).toMatch(/error GPU_OUT_OF_MEMORY|CUDA out of memory/);
  expect(run.stderr).toMatch(/next\s+kubectl describe pod agg-decode-x -n serving/);
});

test('a pod whose probe fails has the card of a probe, with what the kubelet saw', async () => {
  const pod = decodePod({ restartCount: 6, state: { running: {} } });
  const event = (lastTimestamp: string, message: string) => ({ lastTimestamp, message });
  await using kubectl = await fakeKubectl([
    ...serves('v1beta1'),
    ...THERE,
    ...ROOM,
    { asks: APPLY, stdout: {} },
    { asks: /--watch-only/, stdout: '' },
    { asks: /^get pods /, stdout: { items: [pod] } },
    {
      asks: /^get dynamographdeployments.nvidia.com\/agg/,
      stdout: { metadata: { name: 'agg' }, status: { state: 'pending' } },
    },
    {
      asks: /^get events --field-selector=involvedObject.name=agg-decode-x,reason=Unhealthy --namespace=serving /,
      stdout: {
        items: [
          event('2026-01-02T00:00:00Z', 'Readiness probe failed: HTTP probe failed with statuscode: 404'),
          event('2026-01-01T00:00:00Z', 'Startup probe failed: connection refused'),
        ],
      },
    },
    { asks: /^logs /, stdout: '' },
  ]);
  const flags = ['-n', 'serving', '--tag', '1.5.0', '--progress', 'plain', '--wait-timeout', '1s'];
  const run = await runCli(['push', '-', ...flags], { env: kubectl.env, stdin: FILE });
  expect(run.exitCode).toBe(5);
  expect(run.stderr).toContain('agg-decode-x  started (restarted 6 times)');
  expect(run.stderr).toMatch(/error PROBE_PATH: .*not ready after 1 s/);
  expect(run.stderr).toContain('HTTP probe failed with statuscode: 404');
});

test('a namespace that is not there is said before anything is asked of it', async () => {
  const stderr = 'Error from server (NotFound): namespaces "serving" not found';
  const run = await push(
    [...serves('v1beta1'), { asks: /^get namespace\/serving /, stderr, exitCode: 1 }],
    '--tag',
    '1.5.0',
  );
  expect([run.exitCode, run.stderr]).toEqual([3, expect.stringContaining('hint: kubectl create namespace serving')]);
  expect(run.calls.some(({ args }) => /^get secret|^apply/.test(args))).toBe(false);
});

test('--force-conflicts takes over what others hold', async () => {
  const forced = /^apply --server-side --field-manager=dynamo --validate=strict --force-conflicts /;
  const run = await push(
    [...serves('v1beta1'), ...THERE, { asks: forced, stdout: {} }],
    '--tag',
    '1.5.0',
    '--force-conflicts',
  );
  expect([run.exitCode, run.stderr]).toEqual([0, expect.stringContaining('applied')]);
});

test('what kubectl logs for itself is left out of what it says', async () => {
  const noise = 'E1127 15:47:29.436265   30545 memcache.go:265] "Unhandled Error" err="connection refused"';
  const said = 'The connection to the server localhost:8080 was refused - did you specify the right host or port?';
  await using kubectl = await fakeKubectl([{ asks: /./, stderr: `${noise}\n${noise}\n${said}`, exitCode: 1 }]);
  const run = await runCli(['push', '-', '-n', 'serving'], { env: kubectl.env, stdin: FILE });
  expect([run.exitCode, run.stderr]).toEqual([
    3,
    expect.stringContaining(`NO_CONTEXT: kubectl has no cluster to talk to\n\n${said}`),
  ]);
  expect(run.stderr).not.toContain('memcache');
});

test.each([
  [['-n', 'serving']],
  [['--context', 'lab']],
  [['-g', 'agg', '-p', 'local']],
  [['-p', 'a', '--url', 'http://x']],
])('smoke %j: where it is asked is not clear', async (flags) => {
  const run = await runCli(['smoke', ...flags]);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining('error INVALID_FLAG: --')]);
});
