import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { FieldRule, FieldTable } from '../../src/dgd/field-rule.ts';
import { inspectGraphs } from '../../src/dgd/inspect-graphs.ts';
import { GRAPH_KIND, readObjects } from '../../src/dgd/read-objects.ts';
import table from '../../src/dgd/schema/fields.table.json' with { type: 'json' };
import { toJson } from '../../src/model/node.ts';
import type { OperatorGeneration } from '../../src/model/origin.ts';
import { parseDocuments } from '../../src/source/parse-documents.ts';
import { type KubeCluster, startKubeCluster } from '../support/kube-cluster.ts';
import { type Json, Mutator } from '../support/mutate-document.ts';

const CORPUS = new URL('../../../shared/corpus/', import.meta.url);
const CRD = 'dynamographdeployments.nvidia.com';
const MUTATIONS_PER_SCHEMA = 200;
const VERSIONS: readonly (readonly [folder: string, generation: OperatorGeneration])[] = [
  ['v0.4.1', '0.4'],
  ['v0.6.1', '0.6'],
  ['v1.1.0-dev', '1.1'],
  ['v1.5.0-dev', '1.5'],
];

/** Real files that the server alone refuses, and why that is meant. */
const PLACEHOLDER =
  'its namespace is a placeholder, which `kubectl -n` and a person replace: we warn and judge the rest';
const EXPLAINED: Readonly<Record<string, string>> = {
  'recipes/glm-5-nvfp4/sglang/disagg/deploy.yaml': PLACEHOLDER,
  'recipes/deepseek-v4/deepseek-v4-pro/sglang/disagg-b200/deploy.yaml': PLACEHOLDER,
};

const TABLE: FieldTable = {
  roots: table.roots,
  // As in check-fields.ts: the generator writes FieldRule and nothing else.
  rules: table.rules as readonly FieldRule[],
};

const POD = {
  volumes: [
    { name: 'cache', persistentVolumeClaim: { claimName: 'cache' } },
    { name: 'config', configMap: { name: 'engine', items: [{ key: 'a', path: 'a.yaml' }], defaultMode: 420 } },
    { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '8Gi' } },
  ],
  tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  nodeSelector: { zone: 'a' },
  imagePullSecrets: [{ name: 'registry' }],
  terminationGracePeriodSeconds: 30,
  securityContext: { fsGroup: 1000, runAsNonRoot: true },
  initContainers: [{ name: 'first', image: 'x:1.0.0', command: ['true'], env: [{ name: 'A', value: 'b' }] }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'gpu', operator: 'In', values: ['h100'] }] }],
      },
    },
  },
};
const CONTAINER = {
  image: 'x:1.2.3',
  command: ['python3', '-m', 'dynamo.vllm'],
  args: ['--model', 'a/b'],
  env: [
    { name: 'A', value: 'b' },
    { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'hf-token-secret', key: 'HF_TOKEN' } } },
    { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ],
  envFrom: [{ secretRef: { name: 's' } }, { configMapRef: { name: 'c', optional: true } }],
  ports: [{ containerPort: 9090, name: 'system', protocol: 'TCP' }],
  resources: { limits: { 'nvidia.com/gpu': '2', memory: '8Gi' }, requests: { cpu: '500m' } },
  livenessProbe: { httpGet: { path: '/live', port: 9090 }, periodSeconds: 5, failureThreshold: 1 },
  readinessProbe: { exec: { command: ['true'] }, timeoutSeconds: 3 },
  startupProbe: { tcpSocket: { port: 'system' }, failureThreshold: 60 },
  volumeMounts: [
    { name: 'cache', mountPath: '/cache', readOnly: true },
    { name: 'config', mountPath: '/config', subPath: 'a' },
  ],
  securityContext: { capabilities: { add: ['IPC_LOCK'] }, runAsUser: 1000 },
  workingDir: '/workspace',
};
const META = { name: 'graph', labels: { app: 'x' }, annotations: { 'nvidia.com/enable-grove': 'false' } };

/** Graphs of our own that use much of the schema and are right. */
const BASES: Readonly<Record<'v1alpha1' | 'v1beta1', Json>> = {
  v1alpha1: {
    apiVersion: 'nvidia.com/v1alpha1',
    kind: 'DynamoGraphDeployment',
    metadata: META,
    spec: {
      backendFramework: 'vllm',
      envs: [{ name: 'A', value: 'b' }],
      services: {
        Frontend: {
          componentType: 'frontend',
          replicas: 1,
          ingress: { enabled: true, host: 'a' },
          extraPodSpec: { mainContainer: { image: 'x:1.2.3' } },
        },
        Worker: {
          componentType: 'worker',
          replicas: 2,
          envFromSecret: 'hf-token-secret',
          resources: { limits: { gpu: '2', cpu: '4' }, requests: { memory: '8Gi' } },
          livenessProbe: { httpGet: { path: '/live', port: 9090 } },
          extraPodMetadata: { labels: { a: 'b' } },
          extraPodSpec: { ...POD, mainContainer: CONTAINER },
        },
      },
    },
  },
  v1beta1: {
    apiVersion: 'nvidia.com/v1beta1',
    kind: 'DynamoGraphDeployment',
    metadata: META,
    spec: {
      backendFramework: 'vllm',
      env: [{ name: 'A', value: 'b' }],
      experimental: { kvTransferPolicy: { labelKey: 'topology.kubernetes.io/zone', domain: 'zone' } },
      components: [
        {
          name: 'Frontend',
          type: 'frontend',
          podTemplate: { spec: { containers: [{ name: 'main', image: 'x:1.2.3' }] } },
        },
        {
          name: 'decode',
          type: 'decode',
          replicas: 2,
          minAvailable: 1,
          multinode: { nodeCount: 2 },
          sharedMemorySize: '16Gi',
          compilationCache: { pvcName: 'cache', mountPath: '/root/.cache' },
          experimental: { gpuMemoryService: { mode: 'IntraPod' }, checkpoint: { enabled: true, job: {} } },
          podTemplate: {
            metadata: { labels: { a: 'b' }, annotations: { 'nvidia.com/vllm-distributed-executor-backend': 'mp' } },
            spec: {
              ...POD,
              containers: [
                { name: 'main', ...CONTAINER },
                { name: 'side', image: 'y' },
              ],
            },
          },
        },
        { name: 'epp', type: 'epp', eppConfig: { configMapRef: { name: 'c', key: 'k' } } },
      ],
    },
  },
};

/** Ours: accepted when the CRD's fields and rules have nothing against it; webhooks are no part of an API server. */
function accepts(
  text: string,
  generation: OperatorGeneration,
): { readonly yes: boolean; readonly why: readonly string[] } {
  const { documents, diagnostics } = parseDocuments('a.yaml', text);
  const graphs = inspectGraphs(documents, generation).graphs;
  const problems = [...diagnostics, ...graphs.flatMap(({ fields, rules }) => [...fields, ...rules])];
  const errors = problems.filter(({ severity }) => severity === 'error');
  return { yes: errors.length === 0, why: errors.map(({ code, message }) => `${code} ${message}`) };
}

function readCrd(folder: string): string {
  // The operator's conversion webhook is not there; nothing is converted in a dry run of the written version.
  const crd = parse(readFileSync(new URL(`crd/dynamographdeployments-${folder}.yaml`, CORPUS), 'utf8'));
  return JSON.stringify({ ...crd, spec: { ...crd.spec, conversion: { strategy: 'None' } } });
}

function versionsOf(generation: OperatorGeneration): readonly ('v1alpha1' | 'v1beta1')[] {
  return generation === '1.5' ? ['v1alpha1', 'v1beta1'] : ['v1alpha1'];
}

describe.skipIf(!existsSync(CORPUS))('a real API server with the CRDs', () => {
  let cluster: KubeCluster;
  beforeAll(async () => {
    cluster = await startKubeCluster();
  }, 1_800_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  /** Its word on one document: `kubectl apply --dry-run=server --validate=strict` makes this very request where nothing is there. */
  async function ask(text: string, version: string, namespace = 'default'): Promise<{ yes: boolean; why: string }> {
    const path = `/apis/nvidia.com/${version}/namespaces/${namespace}/dynamographdeployments`;
    const { status, body } = await cluster.call('POST', `${path}?dryRun=All&fieldValidation=Strict`, text);
    return { yes: status === 201, why: status === 201 ? '' : String(JSON.parse(body).message ?? body) };
  }

  test.each(VERSIONS)('%s: it says the same of mutated documents', async (folder, generation) => {
    await cluster.define(CRD, readCrd(folder));
    const differ: unknown[] = [];
    let asked = 0;
    let accepted = 0;
    for (const version of versionsOf(generation)) {
      const base = BASES[version];
      const whole = JSON.stringify(base);
      const first = [await ask(whole, version), accepts(whole, generation)];
      if (generation === '1.5') expect(first).toMatchObject([{ yes: true }, { yes: true }]);
      const mutator = new Mutator(TABLE, 20_261_124);
      for (let index = 0; index < MUTATIONS_PER_SCHEMA; index += 1) {
        const text = JSON.stringify(mutator.mutate(base, `${generation}/${version}`));
        const [theirs, ours] = [await ask(text, version), accepts(text, generation)];
        asked += 1;
        if (theirs.yes) accepted += 1;
        if (theirs.yes !== ours.yes) differ.push({ index, version, theirs: theirs.why, ours: ours.why, text });
      }
    }
    process.stderr.write(
      `operator ${generation}: ${asked} mutated documents, ${accepted} accepted, ${differ.length} disagreements\n`,
    );
    // Both verdicts must occur, or the comparison says nothing.
    expect(accepted).toBeGreaterThan(asked / 10);
    expect(accepted).toBeLessThan(asked);
    expect(differ).toEqual([]);
  });

  test.each(VERSIONS)('%s: it says the same of every real file', async (folder, generation) => {
    await cluster.define(CRD, readCrd(folder));
    const files = readdirSync(new URL(`${folder}/`, CORPUS), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml'))
      .toSorted();
    const differ: unknown[] = [];
    let asked = 0;
    for (const path of files) {
      const { documents } = parseDocuments(path, readFileSync(new URL(`${folder}/${path}`, CORPUS), 'utf8'));
      for (const { kind, apiVersion, root } of readObjects(documents).objects) {
        if (kind !== GRAPH_KIND) continue;
        const document = toJson(root);
        const text = JSON.stringify(document);
        const metadata = parse(text).metadata;
        const theirs = await ask(text, apiVersion.split('/')[1] ?? '', metadata?.namespace ?? 'default');
        const ours = accepts(text, generation);
        asked += 1;
        if (theirs.yes !== ours.yes && EXPLAINED[path] === undefined)
          differ.push({ path, theirs: theirs.why, ours: ours.why });
      }
    }
    process.stderr.write(`operator ${generation}: ${asked} real graphs, ${differ.length} disagreements\n`);
    expect(differ).toEqual([]);
  });
});
