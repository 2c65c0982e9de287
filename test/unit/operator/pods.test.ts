import { describe, expect, test } from 'vitest';
import { type MapNode, mapAt, type Node, stringAt, toJson } from '../../../src/model/node.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { alphaText, codes, containerOf, envOf, field, onlyComponent, resolveText } from './resolve-text.ts';

function specOf(text: string, generation: OperatorGeneration): MapNode {
  const spec = mapAt(onlyComponent(resolveText(text, generation)).podTemplate, 'spec');
  if (!spec) throw new Error('no spec');
  return spec;
}

function betaText(component: string, spec = ''): string {
  return `apiVersion: nvidia.com/v1beta1\nkind: DynamoGraphDeployment\nmetadata:\n  name: g\nspec:\n${spec}  components:\n  - name: W\n${component}`;
}

describe('shared memory', () => {
  const size = (text: string, generation: OperatorGeneration) => {
    const volumes = field(specOf(text, generation), 'volumes');
    return JSON.stringify(volumes)?.match(/"sizeLimit":"([^"]+)"/)?.[1];
  };
  test('0.4 takes a quarter of the memory limit, from 512Mi to 8Gi', () => {
    const limited = (memory: string) => alphaText(`      resources: { limits: { memory: ${memory} } }\n`);
    expect(size(alphaText('      componentType: frontend\n'), '0.4')).toBe('512Mi');
    expect(size(limited('20Gi'), '0.4')).toBe('5Gi');
    expect(size(limited('100Gi'), '0.4')).toBe('8Gi');
  });
  test('later ones take what is written, else 8Gi, and none where it is disabled', () => {
    for (const generation of ['0.6', '1.1', '1.5'] as const) {
      expect(size(alphaText('      componentType: frontend\n'), generation)).toBe('8Gi');
      expect(size(alphaText('      sharedMemory: { size: 2Gi }\n'), generation)).toBe('2Gi');
      expect(
        field(specOf(alphaText('      sharedMemory: { disabled: true }\n'), generation), 'volumes'),
      ).toBeUndefined();
    }
    expect(field(specOf(betaText('    sharedMemorySize: "0"\n'), '1.5'), 'volumes')).toBeUndefined();
  });
  test('it takes the place of mounts at /dev/shm', () => {
    const text = alphaText(
      '      extraPodSpec: { mainContainer: { volumeMounts: [{ name: own, mountPath: /dev/shm }] } }\n',
    );
    expect(field(containerOf(resolveText(text, '1.1')), 'volumeMounts')).toEqual([
      { name: 'shared-memory', mountPath: '/dev/shm' },
    ]);
  });
});

describe('security and accounts', () => {
  test('fsGroup 1000 comes with 1.1, and only where the user gave no securityContext', () => {
    const plain = alphaText('      componentType: frontend\n');
    const own = alphaText('      extraPodSpec: { securityContext: { runAsUser: 0 } }\n');
    expect(field(specOf(plain, '0.6'), 'securityContext')).toBeUndefined();
    expect(field(specOf(plain, '1.1'), 'securityContext')).toEqual({ fsGroup: 1000 });
    expect(field(specOf(own, '1.5'), 'securityContext')).toEqual({ runAsUser: 0 });
  });
  test('planners have an account of their own, whatever is written, from 1.1 on', () => {
    const text = alphaText('      componentType: planner\n      extraPodSpec: { serviceAccountName: mine }\n');
    expect(field(specOf(text, '0.6'), 'serviceAccountName')).toBe('mine');
    expect(field(specOf(text, '1.1'), 'serviceAccountName')).toBe('planner-serviceaccount');
    expect(field(specOf(text, '1.5'), 'serviceAccountName')).toBe('planner-serviceaccount');
  });
  test('a grace period of 0 cannot be written from 1.1 on', () => {
    const text = alphaText('      extraPodSpec: { terminationGracePeriodSeconds: 0 }\n');
    expect(field(specOf(text, '0.6'), 'terminationGracePeriodSeconds')).toBe(0);
    expect(field(specOf(text, '1.5'), 'terminationGracePeriodSeconds')).toBe(60);
  });
});

describe('volumes', () => {
  test('1.5 makes a claim of a mount of main that has no volume', () => {
    const text = betaText(
      '    podTemplate: { spec: { volumes: [{ name: b, emptyDir: {} }], containers: [{ name: main, image: i, volumeMounts: [{ name: a, mountPath: /a }] }] } }\n',
    );
    expect(field(specOf(text, '1.5'), 'volumes')).toEqual([
      { name: 'a', persistentVolumeClaim: { claimName: 'a' } },
      { name: 'shared-memory', emptyDir: { medium: 'Memory', sizeLimit: '8Gi' } },
      { name: 'b', emptyDir: {} },
    ]);
  });
  test('the compilation cache of vLLM has a default path, whose variable 1.1 forgets', () => {
    const text = alphaText(
      '      componentType: worker\n      volumeMounts: [{ name: c, useAsCompilationCache: true }]\n      extraPodSpec: { mainContainer: { command: [python3, -m, dynamo.vllm] } }\n',
    );
    const mount = { name: 'c', mountPath: '/root/.cache/vllm' };
    expect(field(containerOf(resolveText(text, '1.1')), 'volumeMounts')).toContainEqual(mount);
    expect(envOf(containerOf(resolveText(text, '1.1')))).not.toHaveProperty('VLLM_CACHE_ROOT');
    expect(field(containerOf(resolveText(text, '1.5')), 'volumeMounts')).toContainEqual(mount);
    expect(envOf(containerOf(resolveText(text, '1.5'))).VLLM_CACHE_ROOT).toBe('/root/.cache/vllm');
  });
  test('other frameworks need a path for it', () => {
    const text = alphaText(
      '      componentType: worker\n      volumeMounts: [{ name: c, useAsCompilationCache: true }]\n      extraPodSpec: { mainContainer: { command: [python3, -m, dynamo.sglang] } }\n',
    );
    expect(codes(resolveText(text, '1.1'))).toContain('VOLUME_MOUNT_INVALID');
    expect(codes(resolveText(text, '1.5'))).toContain('COMPILATION_CACHE');
  });
});

describe('names, labels and Services', () => {
  test('workers carry the hash from 1.1 on', () => {
    const text = alphaText('      componentType: worker\n      subComponentType: decode\n');
    expect(onlyComponent(resolveText(text, '0.6'))).toMatchObject({ deploymentName: 'g-w', services: [] });
    expect(onlyComponent(resolveText(text, '1.1'))).toMatchObject({
      deploymentName: 'g-w-HASH',
      type: 'worker',
      subType: 'decode',
    });
    expect(onlyComponent(resolveText(text, '1.5'))).toMatchObject({
      deploymentName: 'g-w-HASH',
      type: 'decode',
      subType: undefined,
    });
  });
  test('etcd as discovery takes away labels, account, variable and the Services of workers', () => {
    const text = alphaText('      componentType: worker\n').replace(
      'name: g',
      'name: g\n  annotations: { nvidia.com/dynamo-discovery-backend: etcd }',
    );
    for (const generation of ['1.1', '1.5'] as const) {
      const graph = resolveText(text, generation);
      const component = onlyComponent(graph);
      expect(component.services).toEqual([]);
      expect(envOf(containerOf(graph))).not.toHaveProperty('DYN_DISCOVERY_BACKEND');
      expect(stringAt(component.podTemplate, 'spec', 'serviceAccountName')).toBe('default');
      expect(JSON.stringify(toJson(component.podTemplate))).not.toContain('discovery-enabled');
    }
  });
  test('system labels win over those of the user', () => {
    const text = betaText(
      '    podTemplate: { metadata: { labels: { nvidia.com/selector: x, team: a } }, spec: { containers: [{ name: main, image: i }] } }\n',
    );
    const labels = mapAt(onlyComponent(resolveText(text, '1.5')).podTemplate, 'metadata', 'labels');
    expect(labels && toJson(labels)).toMatchObject({ 'nvidia.com/selector': 'g-w', team: 'a' });
  });
  test('the namespace follows Kubernetes and graph from 1.1 on, before it is what components wrote', () => {
    const text = alphaText('      componentType: frontend\n      dynamoNamespace: mine\n').replace(
      'name: g',
      'name: g.h\n  namespace: team',
    );
    const namespace = (generation: OperatorGeneration) =>
      envOf(containerOf(resolveText(text, generation))).DYN_NAMESPACE;
    expect(namespace('0.4')).toBe('mine');
    expect(namespace('1.1')).toBe('team-g-h');
    expect(namespace('1.5')).toBe('team-g-h');
    const silent = alphaText('      componentType: frontend\n');
    expect(envOf(containerOf(resolveText(silent, '0.4'))).DYN_NAMESPACE).toBe('dynamo-g');
    const global = alphaText('      globalDynamoNamespace: true\n');
    expect(envOf(containerOf(resolveText(global, '1.5'))).DYN_NAMESPACE).toBe('dynamo');
  });
});

describe('GPU memory service and failover', () => {
  const worker = (extra: string) =>
    betaText(
      `    type: worker\n    experimental: ${extra}\n    podTemplate: { spec: { containers: [{ name: main, image: i:1.0.0, command: [python3, -m, dynamo.vllm], args: [--master-port, "29510"], resources: { limits: { nvidia.com/gpu: "2" } } }] } }\n`,
    );
  test('the GPUs become a claim shared with a server that runs beside', () => {
    const spec = specOf(worker('{ gpuMemoryService: {} }'), '1.5');
    expect(field(spec, 'resourceClaims')).toEqual([
      { name: 'intrapod-shared-gpu', resourceClaimTemplateName: 'g-w-gpu' },
    ]);
    expect(field(spec, 'initContainers')).toMatchObject([{ name: 'gms-server', restartPolicy: 'Always' }]);
  });
  test('failover makes two engines; the standby has ports of its own', () => {
    const graph = resolveText(worker('{ gpuMemoryService: {}, failover: {} }'), '1.5');
    expect(field(containerOf(graph, 'engine-0'), 'args')).toEqual(['--master-port', '29510']);
    expect(field(containerOf(graph, 'engine-1'), 'args')).toEqual(['--master-port', '29610']);
    expect(envOf(containerOf(graph, 'engine-1'))).toMatchObject({ ENGINE_ID: '1', DYN_SYSTEM_PORT: '9091' });
  });
  test('failover of another framework is refused by the operator', () => {
    const text = worker('{ gpuMemoryService: {}, failover: {} }').replace('dynamo.vllm', 'dynamo.sglang');
    expect(codes(resolveText(text, '1.5'))).toContain('FAILOVER_UNSUPPORTED');
  });
});

test('a KV transfer policy wins over written variables of workers', () => {
  const text = betaText(
    '    type: worker\n    podTemplate: { spec: { containers: [{ name: main, image: i, env: [{ name: DYN_KV_TRANSFER_DOMAIN, value: x }] }] } }\n',
    '  experimental: { kvTransferPolicy: { labelKey: zone, domain: rack, preferredWeight: 0.5 } }\n',
  );
  const graph = resolveText(text, '1.5');
  expect(envOf(containerOf(graph))).toMatchObject({
    DYN_KV_TRANSFER_DOMAIN: 'rack',
    DYN_KV_TRANSFER_ENFORCEMENT: 'required',
    DYN_KV_TRANSFER_PREFERRED_WEIGHT: '0.5',
  });
});

test('DYN_DEPLOYMENT_CONFIG sets replicas and resources that are not written, and the port of a frontend', () => {
  const config = JSON.stringify({ W: { ServiceArgs: { workers: 3, resources: { cpu: '2', gpu: '1' } } } });
  for (const generation of ['0.4', '1.1', '1.5'] as const) {
    const text = alphaText(
      `      componentType: frontend\n      envs: [{ name: DYN_DEPLOYMENT_CONFIG, value: '${config}' }]\n      extraPodSpec: { mainContainer: { image: i } }\n`,
    );
    const graph = resolveText(text, generation);
    expect(onlyComponent(graph).replicas).toBe(3);
    expect(field(containerOf(graph), 'resources')).toMatchObject({ limits: { cpu: '2', 'nvidia.com/gpu': '1' } });
    expect(JSON.parse(envOf(containerOf(graph)).DYN_DEPLOYMENT_CONFIG ?? '')).toMatchObject({ W: { port: 8000 } });
  }
});

describe('origins', () => {
  const text = alphaText(
    '      componentType: worker\n      replicas: 2\n      extraPodSpec:\n        mainContainer:\n          image: i:1.0.0\n          env: [{ name: E, value: x }]\n',
  );
  function origins(node: Node): readonly unknown[] {
    if (node.kind === 'scalar') return [node.origin];
    const children = node.kind === 'map' ? [...node.fields.values()] : node.items;
    return [node.origin, ...children.flatMap(origins)];
  }
  test('written values keep their line through every merge', () => {
    const image = containerOf(resolveText(text, '1.5')).fields.get('image');
    expect(image?.origin).toEqual({ kind: 'file', at: { file: 'graph.yaml', line: 12, col: 18 } });
  });
  test('defaults name the generation and the operator source', () => {
    const probe = containerOf(resolveText(text, '1.5')).fields.get('startupProbe');
    expect(probe?.origin).toEqual({ kind: 'operator', generation: '1.5', source: 'component_worker.go:26' });
  });
  test('every node has one of the two', () => {
    for (const generation of ['0.4', '0.6', '1.1', '1.5'] as const) {
      const component = onlyComponent(resolveText(text, generation));
      for (const origin of [component.podTemplate, ...component.services].flatMap(origins)) {
        expect(origin).toMatchObject({ kind: expect.stringMatching(/^(file|operator)$/) });
      }
    }
  });
});
