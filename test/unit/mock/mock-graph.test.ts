import { describe, expect, it, test } from 'vitest';
import { mockGraph } from '../../../src/mock/mock-graph.ts';
import { fromJson, itemsAt, type Json, stringAt, stringsAt, toJson } from '../../../src/model/node.ts';
import type { ResolvedComponent, ResolvedGraph } from '../../../src/model/resolved-graph.ts';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';

const ORIGIN = { kind: 'flag', flag: 'test' } as const;

interface Written {
  readonly type?: string;
  readonly container: { readonly [key: string]: Json };
  readonly pod?: { readonly [key: string]: Json };
}

function component(name: string, { type = 'worker', container, pod = {} }: Written): ResolvedComponent {
  const podTemplate = fromJson(
    { spec: { ...pod, containers: [{ name: 'main', image: 'engine:1', ...container }] } },
    ORIGIN,
  );
  if (podTemplate.kind !== 'map') throw new Error('no map');
  return {
    ...{ name, type, subType: undefined, deploymentName: name, replicas: 2, runtimeVersionOverride: undefined },
    ...{ nodeCount: 1, podTemplate, discoversPullSecrets: true, services: [], origin: ORIGIN },
  };
}

function graph(components: readonly ResolvedComponent[]): ResolvedGraph {
  return {
    ...{
      name: 'g',
      generation: '1.5',
      kubernetesNamespace: 'default',
      components,
      claims: [],
      shared: [],
      diagnostics: [],
    },
    companions: { secrets: new Map(), configMaps: new Map(), claims: new Map() },
  };
}

function mock(components: readonly ResolvedComponent[], version = '1.4.2', cached: readonly string[] = []) {
  return mockGraph(graph(components), {
    image: 'cpu:1',
    runtime: runtimeFacts(version),
    findModel: (id) => (cached.includes(id) ? `/home/me/hub/${id}` : undefined),
  });
}

/** The one container of a mocked component, its arguments as one text. */
function main(result: ReturnType<typeof mock>, name: string) {
  const found = result.resolved.components.find((entry) => entry.name === name);
  const container = itemsAt(found?.podTemplate, 'spec', 'containers')[0];
  return { args: (stringsAt(container, 'args') ?? []).join(' '), container, component: found };
}

const worker = (...args: string[]): Written => ({ container: { command: ['python3', '-m', 'dynamo.vllm'], args } });

describe('a worker as a mocker', () => {
  test.each([
    [
      'dynamo.vllm --model a/b --tensor-parallel-size 2 --max-model-len 32000',
      '--engine-type vllm --block-size 16 --max-model-len 32000',
    ],
    [
      'dynamo.vllm --model a/b --block-size=128 --no-enable-prefix-caching',
      '--block-size 128 --no-enable-prefix-caching --engine-type vllm',
    ],
    ['dynamo.vllm --model a/b --max-model-len auto', '--engine-type vllm --block-size 16'],
    [
      'dynamo.sglang --model-path a/b --page-size 16 --disable-radix-cache --disaggregation-bootstrap-port 12',
      '--block-size 16 --no-enable-prefix-caching --bootstrap-ports 12 --engine-type sglang',
    ],
    [
      'dynamo.trtllm --model-path a/b --max-batch-size 96 --free-gpu-memory-fraction 0.9',
      '--max-num-seqs 96 --engine-type trtllm',
    ],
    ['dynamo.mocker --model-path a/b --speedup-ratio 5.0 --planner-profile-data /x', '--speedup-ratio 5.0'],
  ])('%s', (written, flags) => {
    const container = { command: ['/bin/sh', '-c'], args: [`exec python3 -m ${written} 2>&1 | tee /tmp/log`] };
    const { args } = main(mock([component('w', { container })]), 'w');
    const expected = `-m dynamo.mocker --model-path a/b --model-name a/b ${flags}`;
    expect(args.split(' ').toSorted()).toEqual(expected.split(' ').toSorted());
  });

  test.each([
    ['0.4.1', 'prefill', undefined],
    ['0.6.1', 'prefill', '--is-prefill-worker --endpoint dyn://ns.prefill.generate --block-size 16'],
    ['0.9.1', 'decode', '--is-decode-worker --block-size 16'],
    ['1.0.2', 'prefill', '--disaggregation-mode prefill --block-size 16'],
    ['1.2.1', 'decode', '--disaggregation-mode decode --engine-type vllm --block-size 16'],
  ])('runtime %s spells the role %s its own way, and knows no other flag', (version, role, flags) => {
    const written = {
      container: {
        ...worker('--model', 'a/b', '--disaggregation-mode', role, '--connector', 'kvbm', 'nixl').container,
        env: [{ name: 'DYN_NAMESPACE', value: 'ns' }],
      },
    };
    const { args, component: found } = main(
      mock([component('w', written), component('d', worker('--model', 'a/b'))], version),
      'w',
    );
    if (flags === undefined) expect(found).toBeUndefined();
    else expect(args).toBe(`-m dynamo.mocker --model-path a/b --model-name a/b ${flags}`);
  });

  it('without a role decodes where another prefills the same model', () => {
    const result = mock([
      component('p', worker('--model', 'a/b', '--is-prefill-worker')),
      component('d', worker('--model', 'a/b')),
      component('other', worker('--model', 'c/d')),
    ]);
    expect(main(result, 'd').args).toContain('--disaggregation-mode decode');
    expect(main(result, 'other').args).not.toContain('--disaggregation-mode');
  });

  it('asks for no GPU, no claim and no secret, and keeps probes, replicas, environment and shared memory', () => {
    const probe = { httpGet: { path: '/live', port: 9090 } };
    const written: Written = {
      container: {
        ...worker('--model', 'a/b').container,
        resources: { limits: { 'nvidia.com/gpu': '1' } },
        livenessProbe: probe,
        env: [
          { name: 'DYN_NAMESPACE', value: 'ns' },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          { name: 'DYN_HEALTH_CHECK_ENABLED', value: 'true' },
        ],
        envFrom: [{ secretRef: { name: 'hf-token-secret' } }],
        volumeMounts: [
          { name: 'shm', mountPath: '/dev/shm' },
          { name: 'models', mountPath: '/models' },
        ],
      },
      pod: {
        initContainers: [{ name: 'download' }],
        volumes: [
          { name: 'shm', emptyDir: { medium: 'Memory' } },
          { name: 'models', persistentVolumeClaim: { claimName: 'models' } },
        ],
      },
    };
    const result = mock([component('w', written)]);
    const { component: found } = main(result, 'w');
    expect(found?.replicas).toBe(2);
    const spec = JSON.stringify(found && toJson(found.podTemplate));
    expect(spec).not.toMatch(/nvidia.com|persistentVolumeClaim|initContainers/);
    expect(spec).toContain(JSON.stringify(probe));
    expect(spec.match(/"optional":true/g)).toHaveLength(2);
    expect(spec).toContain('{"name":"DYN_HEALTH_CHECK_ENABLED","value":"false"}');
    expect(spec).toContain('"mountPath":"/dev/shm"');
    expect(result.notices.map(({ message }) => message)).toEqual([
      'w: dynamo.vllm is dynamo.mocker; a model without weights stands for a/b; left out: resources, volume models, container download',
    ]);
  });
});

it('needs none of the GPUs that its containers claimed together', () => {
  const claiming = { ...component('w', worker('--model', 'a/b')), gpuClaims: new Map([['gms', 1]]) };
  expect(main(mock([claiming]), 'w').component?.gpuClaims?.size).toBe(0);
});

describe('its model', () => {
  const mountOf = (result: ReturnType<typeof mock>) => {
    const { container, component: found } = main(result, 'w');
    const mount = itemsAt(container, 'volumeMounts')[0];
    const volume = itemsAt(found?.podTemplate, 'spec', 'volumes')[0];
    return { path: stringAt(mount, 'mountPath'), folder: stringAt(volume, 'hostPath', 'path') };
  };
  const of = (version: string, ...args: string[]) => mock([component('w', worker(...args))], version, ['a/b']);

  it('is the one of the cache, under the name that users ask for', () => {
    const result = of('1.4.2', '--model', 'a/b', '--served-model-name', 'mine');
    expect(mountOf(result)).toEqual({ path: '/opt/dynamo/mock/hub/models--mine', folder: '/home/me/hub/a/b' });
    expect(main(result, 'w').args).toContain('--model-path mine --model-name mine');
  });

  it('is the tiny one in a hub cache, a directory before 1.0, and a path where the file serves a path', () => {
    expect(mountOf(of('1.0.2', '--model', 'c/d')).path).toBe('/opt/dynamo/mock/hub/models--c--d');
    expect(mountOf(of('0.9.1', '--model', 'a/b'))).toEqual({ path: '/opt/dynamo/mock/a/b', folder: undefined });
    expect(mountOf(of('1.4.2', '--model', '/models/x/')).path).toBe('/models/x');
    expect(main(of('1.4.2', '--model', '/models/x'), 'w').args).toContain(
      '--model-path /models/x --model-name /models/x',
    );
  });
});

describe('the rest of a graph', () => {
  it('keeps frontends on the same image, without flags that its version ends at', () => {
    const frontend: Written = {
      type: 'frontend',
      container: {
        command: ['sh', '-c'],
        args: ['python3 -m dynamo.frontend --router-mode kv --router-reset-states --discovery-backend kubernetes'],
      },
    };
    const result = mock([component('f', frontend), component('w', worker('--model', 'a/b'))]);
    expect(main(result, 'f').args).toBe('python3 -m dynamo.frontend --router-mode kv');
    expect(stringAt(main(result, 'f').container, 'image')).toBe('cpu:1');
    expect(main(mock([component('f', frontend), component('w', worker())], '1.2.1'), 'f').args).toContain(
      '--router-reset-states',
    );
  });

  it('leaves out what no mocker can be, and refuses a graph of nothing else', () => {
    const encoder = component('encode', worker('--model', 'a/b', '--multimodal-encode-worker'));
    const result = mock([encoder, component('w', worker('--model', 'a/b'))]);
    expect(result.resolved.components.map(({ name }) => name)).toEqual(['w']);
    expect(result.notices[0]?.message).toContain('encode: left out');
    expect(() => mock([encoder])).toThrow('no worker of g can be a mocker');
  });

  it('leaves alone what it does not know, and says so', () => {
    const custom = component('c', { container: { command: ['python3', 'worker.py'] } });
    const result = mock([custom]);
    expect(result.resolved.components).toEqual([custom]);
    expect(result.mocked.size).toBe(0);
    expect(result.notices[0]?.message).toContain('kept as it is');
  });
});
