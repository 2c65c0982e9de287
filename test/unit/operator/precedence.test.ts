import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/node.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { alphaText, codes, containerOf, envOf, field, onlyComponent, resolveText } from './resolve-text.ts';

const LAYERS = alphaText(
  `      componentType: worker
      envs: [{ name: B, value: service }, { name: C, value: service }, { name: DYN_SYSTEM_PORT, value: "1" }]
      envFromSecret: s
      extraPodSpec:
        mainContainer:
          image: i:1.0.0
          args: ["python3 -m dynamo.vllm"]
          env: [{ name: C, value: main }, { name: D, value: main }, { name: NATS_SERVER, value: own }]
`,
  '  envs: [{ name: A, value: graph }, { name: B, value: graph }]\n',
);

describe('environment', () => {
  test('0.4: mainContainer.env drops the defaults and wins; NATS stands there twice', () => {
    const container = containerOf(resolveText(LAYERS, '0.4'));
    const env = envOf(container);
    expect(env).toMatchObject({ A: 'graph', B: 'service', C: 'main', D: 'main', DYN_SYSTEM_PORT: '1' });
    expect(env).not.toHaveProperty('DYN_NAMESPACE');
    const names = field(container, 'env');
    expect(JSON.stringify(names).match(/NATS_SERVER/g)).toHaveLength(2);
  });
  test('0.4: without an env of its own the defaults of the container win over the services', () => {
    const text = alphaText(
      '      componentType: worker\n      envs: [{ name: DYN_SYSTEM_PORT, value: "1" }, { name: E, value: x }]\n      extraPodSpec: { mainContainer: { args: ["python3 -m dynamo.vllm"] } }\n',
    );
    expect(envOf(containerOf(resolveText(text, '0.4')))).toMatchObject({ DYN_SYSTEM_PORT: '9090', E: 'x' });
  });
  test('0.4: without a mainContainer no written variable is read', () => {
    const text = alphaText('      componentType: frontend\n      envs: [{ name: E, value: x }]\n');
    expect(envOf(containerOf(resolveText(text, '0.4')))).not.toHaveProperty('E');
  });
  test.each(['0.6', '1.1'] as const)('%s: service beats graph beats mainContainer beats defaults', (generation) => {
    const env = envOf(containerOf(resolveText(LAYERS, generation)));
    expect(env).toMatchObject({ A: 'graph', B: 'service', C: 'service', D: 'main', DYN_SYSTEM_PORT: '1' });
    expect(env.NATS_SERVER).toBe('own');
  });
  test('1.5: mainContainer beats service beats graph', () => {
    const env = envOf(containerOf(resolveText(LAYERS, '1.5')));
    expect(env).toMatchObject({ A: 'graph', B: 'service', C: 'main', D: 'main', DYN_SYSTEM_PORT: '1' });
  });
  test('names are sorted', () => {
    const names = Object.keys(envOf(containerOf(resolveText(LAYERS, '1.5'))));
    expect(names).toEqual(names.toSorted());
  });
  test('an empty value switches a default off: no value is written, which is the empty string', () => {
    const text = alphaText(
      '      componentType: worker\n      extraPodSpec:\n        mainContainer:\n          env: [{ name: DYN_FORWARDPASS_METRIC_PORT, value: "" }]\n',
    );
    const env = field(containerOf(resolveText(text, '1.5')), 'env');
    expect(env).toContainEqual({ name: 'DYN_FORWARDPASS_METRIC_PORT' });
  });
  test('envFromSecret is lost in 1.5 where mainContainer has an envFrom, and added before', () => {
    const text = alphaText(
      '      envFromSecret: s\n      extraPodSpec:\n        mainContainer:\n          envFrom: [{ configMapRef: { name: c } }]\n',
    );
    const own = { configMapRef: { name: 'c' } };
    expect(field(containerOf(resolveText(text, '1.5')), 'envFrom')).toEqual([own]);
    expect(field(containerOf(resolveText(text, '1.1')), 'envFrom')).toEqual([own, { secretRef: { name: 's' } }]);
  });
});

describe('probes', () => {
  const text = alphaText(`      componentType: worker
      livenessProbe: { httpGet: { path: /service, port: 1 }, periodSeconds: 3 }
      extraPodSpec:
        mainContainer:
          args: ["python3 -m dynamo.vllm"]
          livenessProbe: { httpGet: { path: /main, port: 2 } }
          readinessProbe: { exec: { command: ["true"] } }
          startupProbe: { tcpSocket: { port: 9090 } }
`);
  const probesOf = (generation: OperatorGeneration): readonly (Json | undefined)[] => {
    const container = containerOf(resolveText(text, generation));
    return ['livenessProbe', 'readinessProbe', 'startupProbe'].map((key) => field(container, key));
  };
  const service = { httpGet: { path: '/service', port: 1 }, periodSeconds: 3 };
  const startup = { tcpSocket: { port: 9090 } };

  test.each(['0.4', '0.6'] as const)('%s: each written probe is whole, the service wins', (generation) => {
    expect(probesOf(generation)).toEqual([service, { exec: { command: ['true'] } }, startup]);
  });
  test('1.1: a probe of mainContainer joins the default, which Kubernetes would refuse with two handlers', () => {
    const [liveness, readiness, started] = probesOf('1.1');
    expect(liveness).toEqual(service);
    expect(readiness).toEqual({
      httpGet: { path: '/health', port: 'system' },
      exec: { command: ['true'] },
      periodSeconds: 10,
      timeoutSeconds: 4,
      failureThreshold: 3,
    });
    expect(started).toEqual(startup);
  });
  test('1.5: mainContainer joins the service, then replaces the default', () => {
    expect(probesOf('1.5')).toEqual([
      { httpGet: { path: '/main', port: 2 }, periodSeconds: 3 },
      { exec: { command: ['true'] } },
      startup,
    ]);
  });
});

describe('resources', () => {
  const text = alphaText(`      resources:
        limits: { gpu: "2", gpuType: amd.com/gpu, cpu: "1", custom: { rdma/ib: "1" } }
        requests: { gpu: "2", memory: 1024Mi }
        claims: [{ name: c }]
      extraPodSpec: { mainContainer: { resources: { limits: { cpu: "8", memory: 4Gi } } } }
`);
  const resourcesOf = (generation: OperatorGeneration) =>
    field(containerOf(resolveText(text, generation)), 'resources');
  test('0.4 knows nvidia.com/gpu alone, no claims and no GPUs in the requests', () => {
    expect(resourcesOf('0.4')).toEqual({
      limits: { cpu: '1', memory: '4Gi', 'nvidia.com/gpu': '2', 'rdma/ib': '1' },
      requests: { memory: '1Gi' },
    });
  });
  test('1.1: the service wins key by key', () => {
    expect(resourcesOf('1.1')).toEqual({
      limits: { cpu: '1', memory: '4Gi', 'amd.com/gpu': '2', 'rdma/ib': '1' },
      requests: { memory: '1Gi', 'nvidia.com/gpu': '2' },
      claims: [{ name: 'c' }],
    });
  });
  test('1.5: mainContainer wins key by key', () => {
    expect(resourcesOf('1.5')).toMatchObject({ limits: { cpu: '8', memory: '4Gi', 'amd.com/gpu': '2' } });
  });
  test('a quantity that is none fails 1.1 and is dropped by 1.5', () => {
    const bad = alphaText('      resources: { limits: { cpu: lots } }\n');
    expect(codes(resolveText(bad, '1.1'))).toContain('QUANTITY_INVALID');
    expect(codes(resolveText(bad, '1.5'))).not.toContain('QUANTITY_INVALID');
    expect(field(containerOf(resolveText(bad, '1.5')), 'resources')).toBeUndefined();
  });
});

describe('command and args', () => {
  const words = (service: string, generation: OperatorGeneration) => {
    const container = containerOf(resolveText(alphaText(service), generation));
    return [field(container, 'command'), field(container, 'args')];
  };
  test.each(['0.4', '0.6', '1.1', '1.5'] as const)(
    '%s: each replaces its default, apart from the other',
    (generation) => {
      expect(words('      componentType: frontend\n', generation)).toEqual([['python3'], ['-m', 'dynamo.frontend']]);
      const command = '      componentType: frontend\n      extraPodSpec: { mainContainer: { command: [sh, -c] } }\n';
      expect(words(command, generation)).toEqual([
        ['sh', '-c'],
        ['-m', 'dynamo.frontend'],
      ]);
      const args =
        '      componentType: worker\n      extraPodSpec: { mainContainer: { args: [python3 -m dynamo.vllm] } }\n';
      expect(words(args, generation)).toEqual([['/bin/sh', '-c'], ['python3 -m dynamo.vllm']]);
    },
  );
  test('types are compared as written', () => {
    expect(words('      componentType: Frontend\n', '1.5')).toEqual([['/bin/sh', '-c'], undefined]);
  });
  test('an endpoint picker runs its image and drops its mounts where the user has some', () => {
    const text = alphaText(
      '      componentType: epp\n      extraPodSpec: { mainContainer: { volumeMounts: [{ name: v, mountPath: /v }] } }\n',
    );
    const container = containerOf(resolveText(text, '1.5'));
    expect(field(container, 'command')).toBeUndefined();
    expect(field(container, 'volumeMounts')).toEqual([
      { name: 'v', mountPath: '/v' },
      { name: 'shared-memory', mountPath: '/dev/shm' },
    ]);
  });
});

describe('sidecars', () => {
  const text = alphaText(`      componentType: frontend
      extraPodSpec:
        mainContainer: { image: i, name: server }
        containers: [{ name: z, image: z }, { name: a, image: a }]
`);
  const namesOf = (generation: OperatorGeneration) => {
    const spec = onlyComponent(resolveText(text, generation)).podTemplate.fields.get('spec');
    const containers = spec?.kind === 'map' ? field(spec, 'containers') : undefined;
    return Array.isArray(containers) ? containers.map((container) => Object(container).name) : [];
  };
  test('0.4 keeps the first by name', () => {
    expect(namesOf('0.4')).toEqual(['a']);
    expect(codes(resolveText(text, '0.4'))).toContain('SIDECARS_DROPPED');
  });
  test('1.1 puts main behind them, under the name the user gave it', () => {
    expect(namesOf('1.1')).toEqual(['z', 'a', 'server']);
  });
  test('1.5 puts main first and calls it main', () => {
    expect(namesOf('1.5')).toEqual(['main', 'z', 'a']);
  });
});
