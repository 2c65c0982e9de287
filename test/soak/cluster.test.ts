import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { prepareKubePrograms } from '../../scripts/kube-programs.ts';
import { type KubeCluster, startKubeCluster } from '../support/kube-cluster.ts';
import { runCli } from '../support/run-cli.ts';

const CORPUS = new URL('../../../shared/corpus/', import.meta.url);
const CANARY = 'canary-77aa';
const BETA = `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: agg}
spec:
  backendFramework: vllm
  components:
    - name: Frontend
      type: frontend
      podTemplate: {spec: {containers: [{name: main, image: registry.example/vllm-runtime:my-tag}]}}
    - name: decode
      type: decode
      replicas: 2
      podTemplate:
        metadata: {annotations: {dynamo.local/gpu-slots: "0,0"}}
        spec:
          volumes: [{name: cache, persistentVolumeClaim: {claimName: cache}}]
          containers:
            - name: main
              image: registry.example/vllm-runtime:my-tag
              command: [python3, -m, dynamo.vllm]
              args: [--model, a/b]
              envFrom: [{secretRef: {name: hf-token-secret}}]
              env: [{name: A, value: "1"}]
              ports: [{containerPort: 9090, name: system}]
              resources: {limits: {nvidia.com/gpu: "1"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: cache}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;
const ALPHA = `apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: old}
spec:
  services:
    Frontend:
      componentType: frontend
      extraPodSpec: {mainContainer: {image: "registry.example/vllm-runtime:my-tag"}}
`;

/** The CRD of a version as it is, but for the operator's conversion webhook, which is not there. */
function readCrd(folder: string): string {
  const crd = parse(readFileSync(new URL(`crd/dynamographdeployments-${folder}.yaml`, CORPUS), 'utf8'));
  return JSON.stringify({ ...crd, spec: { ...crd.spec, conversion: { strategy: 'None' } } });
}

describe.skipIf(!existsSync(CORPUS))('push, diff and export against a real API server, by the real kubectl', () => {
  let cluster: KubeCluster;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    cluster = await startKubeCluster();
    const { kubectl } = await prepareKubePrograms(() => undefined);
    env = { KUBECONFIG: cluster.kubeconfig, PATH: `${dirname(kubectl)}:${process.env.PATH}` };
    await cluster.define('dynamographdeployments.nvidia.com', readCrd('v1.5.0-dev'));
    await cluster.kubectl(['create', 'namespace', 'serving']);
  }, 1_800_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const dynamo = (args: readonly string[], stdin = BETA) =>
    runCli([...args, '-n', 'serving', '--context', 'lab'], { env, stdin });
  const withTag = (verb: string, ...flags: readonly string[]) => [verb, '-', '--tag', '1.5.0', ...flags];

  test('push says what is missing, then applies; diff finds nothing, then what changed; export gives the graph back', async () => {
    const early = await dynamo(withTag('push', '--no-wait'));
    expect([early.exitCode, early.stderr]).toEqual([3, expect.stringContaining('SECRET_MISSING')]);
    await cluster.kubectl(['create', '-n', 'serving', '-f', '-'], secret());

    const dry = await dynamo(withTag('push', '--dry-run'));
    expect([dry.exitCode, dry.stderr]).toEqual([0, expect.stringContaining('the cluster would take it')]);
    expect((await dynamo(['export', 'agg'])).stderr).toContain('error NOT_THERE: ');

    const silent = await dynamo(withTag('push', '--wait-timeout', '1s'));
    expect([silent.exitCode, silent.stderr]).toEqual([5, expect.stringContaining('error OPERATOR_SILENT: ')]);
    const pushed = await dynamo(withTag('push', '--no-wait'));
    expect([pushed.exitCode, pushed.stderr]).toEqual([0, expect.stringContaining('agg: applied')]);
    const patch = ['patch', 'dynamographdeployment', 'agg', '--subresource=status', '--type=merge', '-p'];
    const status = { state: 'successful', observedGeneration: 1, conditions: [] };
    await cluster.kubectl(['-n', 'serving', ...patch, JSON.stringify({ status })]);
    const again = await dynamo(withTag('push', '--wait-timeout', '10s'));
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('agg: ready')]);
    const same = await dynamo(withTag('diff'));
    expect([same.exitCode, same.stdout]).toEqual([0, '']);

    const exported = await dynamo(['export', 'agg']);
    expect(Object.keys(parse(exported.stdout))).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(parse(exported.stdout).metadata).toEqual({ name: 'agg', namespace: 'serving' });
    const back = await dynamo(['diff', '-'], exported.stdout);
    expect([back.exitCode, back.stdout]).toEqual([0, '']);

    await cluster.kubectl(['-n', 'serving', 'patch', 'dynamographdeployment', 'agg', '--type=json', '-p', scaleUp()]);
    const changed = await dynamo(withTag('diff', '--format', 'json'));
    expect(JSON.parse(changed.stdout)).toEqual([
      { path: 'spec.components[decode].replicas', file: { value: 2, from: '<stdin>:12:17' }, cluster: { value: 3 } },
    ]);
    const conflict = await dynamo(withTag('push', '--no-wait'));
    expect([conflict.exitCode, conflict.stderr]).toEqual([3, expect.stringContaining('error APPLY_CONFLICT: ')]);
    for (const run of [early, dry, pushed, same, exported, changed, conflict])
      expect(run.stdout + run.stderr).not.toContain(CANARY);
  }, 120_000);

  test('an older cluster gets v1alpha1, from either form; one without the CRD says so, and a context that is not there', async () => {
    await cluster.define('dynamographdeployments.nvidia.com', readCrd('v1.1.0-dev'));
    await cluster.kubectl(['create', '-n', 'serving', '-f', '-'], secret());
    const older = await dynamo(withTag('push', '--no-wait'));
    expect([older.exitCode, older.stderr]).toEqual([0, expect.stringContaining('agg: applied')]);
    const exported = await dynamo(['export', 'agg']);
    expect(parse(exported.stdout).apiVersion).toBe('nvidia.com/v1alpha1');
    const same = await dynamo(withTag('diff'));
    expect([same.exitCode, same.stdout]).toEqual([0, '']);

    const alpha = await dynamo(withTag('push', '--no-wait'), ALPHA);
    expect([alpha.exitCode, alpha.stderr]).toEqual([0, expect.stringContaining('old: applied')]);
    const alphaSame = await dynamo(withTag('diff'), ALPHA);
    expect([alphaSame.exitCode, alphaSame.stdout]).toEqual([0, '']);

    await cluster.kubectl(['delete', 'crd', 'dynamographdeployments.nvidia.com']);
    const none = await dynamo(withTag('push', '--no-wait'));
    expect([none.exitCode, none.stderr]).toEqual([3, expect.stringContaining('error CRD_MISSING: ')]);
    const nowhere = await runCli(['export', 'agg', '--context', 'nowhere'], { env });
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([3, expect.stringContaining('error NO_CONTEXT: ')]);
  }, 120_000);
});

function secret(): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hf-token-secret' },
    stringData: { HF_TOKEN: CANARY },
  });
}

function scaleUp(): string {
  return JSON.stringify([{ op: 'replace', path: '/spec/components/1/replicas', value: 3 }]);
}
