import { expect, test } from 'vitest';
import { betaText, containerIn, envIn, layOut } from './lay-out.ts';

const ENGINE = '{name: main, image: "x:my-tag", command: [python3, -m, dynamo.vllm], args: [--model, m]}';

test('a frontend sidecar of any name finds its graph here as the main container does, other sidecars stay as they are', () => {
  const built = layOut(
    betaText(
      `{name: decode, type: worker, frontendSidecar: web, podTemplate: {spec: {containers: [${ENGINE}, {name: web, image: "y:my-tag"}, {name: log, image: "z:1"}]}}}`,
    ),
    '1.5',
    { images: { byComponent: new Map(), tag: '1.4.2' }, extraEnv: new Map([['PROXY', 'http://proxy']]) },
  );
  for (const [name, image] of [
    ['main', 'x:1.4.2'],
    ['web', 'y:1.4.2'],
  ] as const) {
    const container = containerIn(built, 'decode', name);
    expect(container.image).toBe(image);
    expect(envIn(container)).toMatchObject({
      DYN_DISCOVERY_BACKEND: 'etcd',
      ETCD_ENDPOINTS: 'http://etcd:2379',
      PROXY: 'http://proxy',
    });
    expect(container.mounts.map(({ path }) => path)).toContain('/home/dynamo/.cache/huggingface');
  }
  expect(containerIn(built, 'decode', 'log')).toMatchObject({ image: 'z:1', env: [], mounts: [] });
  const rows = built.deviations.filter(({ deviation }) => deviation === 'discovery-backend');
  expect(rows.map(({ container }) => container)).toEqual([undefined, 'web']);
});

const SHARING = `{name: decode, type: worker, experimental: {failover: {}, gpuMemoryService: {}}, podTemplate: {spec: {containers: [{name: main, image: "x:my-tag", command: [python3, -m, dynamo.vllm], args: [--model, m], resources: {limits: {nvidia.com/gpu: "2"}}}]}}}`;

test('the engines of a failover pod and their weight server share its GPUs, its image and its way to etcd', () => {
  const text = betaText(SHARING);
  expect(layOut(text).replicas.map(({ gpuCount }) => gpuCount)).toEqual([2]);
  const built = layOut(text, '1.5', {
    gpus: new Map([['decode-0', ['GPU-a', 'GPU-b']]]),
    images: { byComponent: new Map([['decode', 'mine:1']]), tag: undefined },
  });
  for (const name of ['main', 'engine-1', 'gms-server']) {
    const container = containerIn(built, 'decode', name);
    expect([container.gpus, container.image], name).toEqual([['GPU-a', 'GPU-b'], 'mine:1']);
  }
  for (const name of ['main', 'engine-1']) {
    expect(envIn(containerIn(built, 'decode', name))).toMatchObject({
      DYN_DISCOVERY_BACKEND: 'etcd',
      ETCD_ENDPOINTS: 'http://etcd:2379',
      DYN_NAMESPACE_WORKER_SUFFIX: 'local',
    });
  }
  expect(envIn(containerIn(built, 'decode', 'gms-server'))).not.toHaveProperty('ETCD_ENDPOINTS');
  expect(built.desired.replicas[0]?.gpus).toEqual(['GPU-a', 'GPU-b']);
});

test('a memory service of 1.1 shares GPUs too, and one between pods is refused by name', () => {
  const alpha = (mode: string) => `apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  services:
    W:
      componentType: worker
      resources: {limits: {gpu: "1"}}
      gpuMemoryService: {enabled: true, mode: ${mode}}
      extraPodSpec: {mainContainer: {image: "x:1.0.0", command: [python3, -m, dynamo.vllm], args: [--model, m]}}
`;
  expect(layOut(alpha('intraPod'), '1.1').replicas.map(({ gpuCount }) => gpuCount)).toEqual([1]);
  for (const generation of ['1.1', '1.5'] as const) {
    const { diagnostics } = layOut(alpha('interPod'), generation);
    const refusals = diagnostics.filter(({ severity }) => severity === 'error');
    expect(refusals).toMatchObject([{ code: 'GMS_INTER_POD', at: { line: 9 } }]);
  }
});
