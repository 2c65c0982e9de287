import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { fakeKubectl } from '../../support/fake-kubectl.ts';
import { runCli } from '../../support/run-cli.ts';

const COMPONENTS = [
  {
    name: 'Frontend',
    type: 'frontend',
    podTemplate: { spec: { containers: [{ image: 'registry/vllm-runtime:1.5.0', name: 'main' }] } },
  },
];
const METADATA = { name: 'agg', namespace: 'serving', labels: { team: 'a' } };
const CLUSTER_OBJECT = {
  apiVersion: 'nvidia.com/v1beta1',
  kind: 'DynamoGraphDeployment',
  metadata: {
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'nvidia.com/current-worker-hash-v2': 'abcd1234',
      'nvidia.com/enable-grove': 'false',
    },
    creationTimestamp: '2026-01-01T00:00:00Z',
    finalizers: ['nvidia.com/finalizer'],
    generation: 3,
    labels: METADATA.labels,
    managedFields: [{ manager: 'dynamo' }],
    name: 'agg',
    namespace: 'serving',
    resourceVersion: '42',
    uid: 'u',
  },
  spec: { backendFramework: null, components: COMPONENTS },
  status: { state: 'successful' },
};
const GRAPH = {
  apiVersion: 'nvidia.com/v1beta1',
  kind: 'DynamoGraphDeployment',
  metadata: { ...METADATA, annotations: { 'nvidia.com/enable-grove': 'false' } },
  spec: { components: COMPONENTS },
};

test('status and what the cluster made are stripped, and the result validates', async () => {
  await using kubectl = await fakeKubectl([{ asks: /^get /, stdout: CLUSTER_OBJECT }]);
  const { exitCode, stdout, stderr } = await runCli(['export', 'agg', '-n', 'serving', '--context', 'lab'], kubectl);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(parse(stdout)).toEqual(GRAPH);
  expect(await kubectl.calls()).toEqual([
    {
      args: 'get dynamographdeployments.nvidia.com/agg --namespace=serving --output=json --context=lab',
      stdin: '',
    },
  ]);
  expect((await runCli(['validate', '-'], { stdin: stdout })).exitCode).toBe(0);
});

test('a graph that was written as v1alpha1 comes as v1alpha1', async () => {
  const beta = { ...CLUSTER_OBJECT, metadata: { ...METADATA, annotations: { 'nvidia.com/dgd-spec': '{}' } } };
  const alpha = { ...GRAPH, apiVersion: 'nvidia.com/v1alpha1', spec: { pvcs: [{ name: 'cache' }], services: {} } };
  await using kubectl = await fakeKubectl([
    { asks: /^get dynamographdeployments\.v1alpha1\.nvidia\.com\/agg /, stdout: alpha },
    { asks: /^get dynamographdeployments\.nvidia\.com\/agg /, stdout: beta },
  ]);
  const { stdout } = await runCli(['export', 'agg', '--format', 'json'], kubectl);
  expect(JSON.parse(stdout)).toEqual(alpha);
});

test.each([
  ['Error from server (NotFound): dynamographdeployments.nvidia.com "agg" not found', 'NOT_THERE', 2],
  ['Error from server (Forbidden): dynamographdeployments.nvidia.com "agg" is forbidden: User "u"', 'FORBIDDEN', 3],
  ['error: the server doesn\'t have a resource type "dynamographdeployments"', 'CRD_MISSING', 3],
  ['error: context "lab" does not exist', 'NO_CONTEXT', 3],
  ['The connection to the server localhost:8080 was refused - did you specify the right host', 'NO_CONTEXT', 3],
  ['The connection to the server 10.0.0.1:6443 was refused - did you specify', 'CLUSTER_UNREACHABLE', 3],
  ['error: You must be logged in to the server (Unauthorized)', 'NOT_LOGGED_IN', 3],
  ['something new', 'KUBECTL_FAILED', 3],
])('kubectl says %j: %s', async (said, code, exit) => {
  await using kubectl = await fakeKubectl([{ asks: /^get /, stderr: said, exitCode: 1 }]);
  const { exitCode, stdout, stderr } = await runCli(['export', 'agg'], kubectl);
  expect({ exitCode, stdout }).toEqual({ exitCode: exit, stdout: '' });
  expect(stderr).toContain(`error ${code}: `);
  expect(stderr).toContain(said);
});

test('no kubectl at all', async () => {
  const { exitCode, stderr } = await runCli(['export', 'agg'], { env: { PATH: '/nonexistent' } });
  expect(exitCode).toBe(3);
  expect(stderr).toContain('error KUBECTL_MISSING: kubectl is not on the PATH\nhint: ');
});
