import { expect, test } from 'vitest';
import { serves } from '../../support/cluster-answers.ts';
import { fakeKubectl } from '../../support/fake-kubectl.ts';
import { runCli } from '../../support/run-cli.ts';

const CANARY = 'canary-5d1f';
const FILE = `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: agg}
spec:
  components:
    - name: decode
      type: decode
      replicas: 2
      podTemplate:
        metadata: {annotations: {dynamo.local/gpu-slots: "0,0"}}
        spec:
          containers:
            - name: main
              image: vllm-runtime:my-tag
              args: [--model, a/b]
              env: [{name: A, value: one}, {name: MY_TOKEN, value: ${CANARY}}]
              ports: [{containerPort: 9090}]
`;

function clusterGraph(main: Readonly<Record<string, unknown>> = {}, replicas = 2) {
  const container = {
    args: ['--model', 'a/b'],
    env: [
      { name: 'MY_TOKEN', value: CANARY },
      { name: 'A', value: 'one' },
    ],
    image: 'vllm-runtime:1.5.0',
    name: 'main',
    ports: [{ containerPort: 9090, protocol: 'TCP' }],
    ...main,
  };
  return {
    apiVersion: 'nvidia.com/v1beta1',
    kind: 'DynamoGraphDeployment',
    metadata: { name: 'agg', namespace: 'serving', uid: 'u', managedFields: [], resourceVersion: '1' },
    spec: {
      components: [{ name: 'decode', podTemplate: { spec: { containers: [container] } }, replicas, type: 'decode' }],
    },
    status: { state: 'successful' },
  };
}

async function diff(object: unknown, ...flags: readonly string[]) {
  await using kubectl = await fakeKubectl([
    ...serves('v1beta1', 'v1alpha1'),
    { asks: /^get dynamographdeployments.v1beta1.nvidia.com\/agg --namespace=serving/, stdout: object },
  ]);
  return await runCli(['diff', '-', '-n', 'serving', ...flags], { env: kubectl.env, stdin: FILE });
}

test('defaults, managed fields, status, order of names and local annotations do not count', async () => {
  const { exitCode, stdout, stderr } = await diff(clusterGraph(), '--tag', '1.5.0');
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(stderr).toContain('notice LOCAL_ONLY: dynamo.local/gpu-slots of decode stays here');
  expect(stderr).toContain('agg: the cluster has what the file says');
});

test('what differs is said by path, with its place in the file, and no secret is shown', async () => {
  const env = [
    { name: 'MY_TOKEN', value: `other-${CANARY}` },
    { name: 'A', value: 'two' },
    { name: 'HF_TOKEN', value: CANARY },
  ];
  const run = await diff(clusterGraph({ env, args: ['--model', 'c/d'] }, 3), '--format', 'json', '--tag', '1.6.0');
  const main = 'spec.components[decode].podTemplate.spec.containers[main]';
  expect(JSON.parse(run.stdout)).toEqual([
    { path: 'spec.components[decode].replicas', file: { value: 2, from: '<stdin>:8:17' }, cluster: { value: 3 } },
    {
      path: `${main}.image`,
      file: { value: 'vllm-runtime:1.6.0', from: '--tag' },
      cluster: { value: 'vllm-runtime:1.5.0' },
    },
    {
      path: `${main}.args`,
      file: { value: ['--model', 'a/b'], from: '<stdin>:15:21' },
      cluster: { value: ['--model', 'c/d'] },
    },
    { path: `${main}.env[A].value`, file: { value: 'one', from: '<stdin>:16:38' }, cluster: { value: 'two' } },
    {
      path: `${main}.env[MY_TOKEN].value`,
      file: { value: '(secret)', from: '<stdin>:16:68' },
      cluster: { value: '(secret)' },
    },
    { path: `${main}.env[HF_TOKEN]`, cluster: { value: { name: 'HF_TOKEN', value: '(secret)' } } },
  ]);
  expect(run.stdout + run.stderr).not.toContain(CANARY);
});

test('a cluster that knows no graphs says so before anything is read from it', async () => {
  await using kubectl = await fakeKubectl(serves());
  const { exitCode, stderr } = await runCli(['diff', '-'], { env: kubectl.env, stdin: FILE });
  expect(exitCode).toBe(3);
  expect(stderr).toContain('error CRD_MISSING: ');
});

test('--local says what runs here otherwise than there, and why; no cluster and no engine is asked', async () => {
  const env = { PATH: '/nowhere', DOCKER_HOST: 'unix:///nowhere.sock' };
  const run = await runCli(['diff', 'launch/mocker/agg.yaml', '--local', '--format', 'json'], { env });
  expect([run.exitCode, run.stderr]).toEqual([0, '']);
  expect(JSON.parse(run.stdout)).toContainEqual({
    path: 'decode.env.DYN_DISCOVERY_BACKEND',
    here: 'etcd',
    cluster: 'kubernetes',
    reason: expect.stringContaining('no Kubernetes API'),
  });
  const text = await runCli(['diff', 'launch/mocker/agg.yaml', '--local'], { env });
  expect(text.stdout).toContain(
    'decode.env.ETCD_ENDPOINTS\n  here     "http://etcd:2379"\n  cluster  not set\n  because  ',
  );
});
