import { expect, test } from 'vitest';
import { type Json, mapAt, toJson } from '../../../src/model/node.ts';
import { decode, problemsOf } from './decode.ts';

/** The graph of a fragment as its services, images left out where they are the assumed ones. */
function services(text: string): Readonly<Record<string, Json>> {
  const { graph, diagnostics } = decode(text);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return Object.fromEntries((graph?.components ?? []).map(({ name, written }) => [name, toJson(written)]));
}

/** Command and args of a component's main container, in one list. */
function words(text: string, name: string): readonly string[] {
  const written = decode(text).graph?.components.find((component) => component.name === name)?.written;
  const main = toJson(
    mapAt(written, 'extraPodSpec', 'mainContainer') ??
      mapAt(written) ?? { kind: 'scalar', value: '', origin: { kind: 'flag', flag: '' } },
  );
  if (main === null || typeof main !== 'object' || Array.isArray(main)) throw new Error(`no component ${name}`);
  const part = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(String) : []);
  return 'command' in main || 'args' in main ? [...part(main.command), ...part(main.args)] : [];
}

test('a bare component becomes a graph with a frontend, and what was assumed is said where it stands', () => {
  const text = 'YourWorker:\n  componentType: worker\n  image: dynamo-cpu:1.4.2\n  model: local/tiny\n';
  const { graph, diagnostics } = decode(text);
  expect([graph?.name, graph?.apiVersion]).toEqual(['a', 'nvidia.com/v1alpha1']);
  expect(graph?.components.map(({ name }) => name)).toEqual(['Frontend', 'YourWorker']);
  expect(words(text, 'YourWorker')).toEqual([
    'python3',
    '-m',
    'dynamo.mocker',
    '--model-path',
    'local/tiny',
    '--model-name',
    'local/tiny',
  ]);
  expect(words(text, 'Frontend')).toEqual(['python3', '-m', 'dynamo.frontend']);
  expect(new Set(diagnostics.map(({ severity, code }) => `${severity} ${code}`))).toEqual(new Set(['notice ASSUMED']));
  expect(diagnostics.every(({ at }) => at?.file === 'a.yaml')).toBe(true);
});

test.each([
  ['vllm', 'enforce-eager: true', ['--enforce-eager']],
  ['vllm', 'enforce-eager: "true"', ['--enforce-eager']],
  ['vllm', 'enable-prefix-caching: "false"', ['--no-enable-prefix-caching']],
  ['sglang', 'enforce-eager: true', ['--disable-cuda-graph']],
  ['trtllm', 'enforce-eager: true', ['--override-engine-args', '{"cuda_graph_config":null}']],
  ['vllm', 'enable-prefix-caching: false', ['--no-enable-prefix-caching']],
  ['sglang', 'enable-prefix-caching: false', ['--disable-radix-cache']],
  [
    'trtllm',
    'enable-prefix-caching: true',
    ['--override-engine-args', '{"kv_cache_config":{"enable_block_reuse":true}}'],
  ],
  ['vllm', 'kv-cache-transfer: nixl', ['--kv-transfer-config', '{"kv_connector":"NixlConnector","kv_role":"kv_both"}']],
  ['vllm', 'kv-cache-transfer: {kv_connector: X}', ['--kv-transfer-config', '{"kv_connector":"X"}']],
  ['vllm', 'kv-cache-transfer: false', []],
  ['sglang', 'kv-cache-transfer: "false"', []],
  ['vllm', 'kv-cache-transfer: true', ['--kv-transfer-config', '{"kv_connector":"NixlConnector","kv_role":"kv_both"}']],
  ['trtllm', 'kv-cache-transfer: ucx', ['--override-engine-args', '{"cache_transceiver_config":{"backend":"UCX"}}']],
  ['sglang', 'kv-cache-transfer: mooncake', ['--disaggregation-transfer-backend', 'mooncake']],
  ['vllm', 'model: a/b', ['--model', 'a/b']],
  ['sglang', 'model: a/b', ['--model-path', 'a/b']],
  ['vllm', 'engine-config: /etc/engine.yaml', ['--config', '/etc/engine.yaml']],
  ['trtllm', 'engine-config: /etc/engine.yaml', ['--extra-engine-args', '/etc/engine.yaml']],
  ['vllm', 'max-num-seqs: 16', ['--max-num-seqs', '16']],
  ['vllm', 'tp: 2', ['--tp', '2']],
])('%s reads %s as %j', (backend, line, flags) => {
  expect(words(`W:\n  backend: ${backend}\n  ${line}\n`, 'W')).toEqual([
    'python3',
    '-m',
    `dynamo.${backend}`,
    ...flags,
  ]);
});

test('how to route is the frontend’s, whoever says it, in every form of args', () => {
  const worker = 'W: {backend: vllm, router-mode: kv}\n';
  expect(words(worker, 'Frontend').slice(3)).toEqual(['--router-mode', 'kv']);
  expect(words(worker, 'W')).toEqual(['python3', '-m', 'dynamo.vllm']);
  for (const args of ['"--model m --router-mode kv"', '[--model, m, --router-mode=kv]']) {
    const text = `W: {backend: vllm, args: ${args}}\n`;
    expect(words(text, 'Frontend').slice(3)).toEqual(['--router-mode', 'kv']);
    expect(words(text, 'W')).toEqual(['python3', '-m', 'dynamo.vllm', '--model', 'm']);
  }
  for (const args of ['[--router-mode, kv]', '--router-mode kv'])
    expect(words(`${worker.replace(', router-mode: kv', '')}frontend: {args: ${args}}\n`, 'frontend')).toEqual([
      'python3',
      '-m',
      'dynamo.frontend',
      '--router-mode',
      'kv',
    ]);
});

test('prefill beside decode makes two roles, each told to its engine once', () => {
  const text =
    'VllmPrefillWorker: {model: m}\nVllmDecodeWorker:\n  model: m\n  args: [--disaggregation-mode, decode]\n';
  expect(services(text)).toMatchObject({
    VllmPrefillWorker: { componentType: 'worker', subComponentType: 'prefill' },
    VllmDecodeWorker: { subComponentType: 'decode' },
  });
  expect(words(text, 'VllmPrefillWorker').slice(-2)).toEqual(['--disaggregation-mode', 'prefill']);
  expect(words(text, 'VllmDecodeWorker').filter((word) => word === '--disaggregation-mode')).toHaveLength(1);
});

test.each(['requests: {gpu: 2}', 'resources: {requests: {gpu: 2}}', 'gpus: 2'])('%s asks for GPUs', (line) => {
  expect(services(`W:\n  backend: vllm\n  ${line}\n`).W).toMatchObject({ resources: { limits: { gpu: '2' } } });
});

test('settings of an engine in place become a ConfigMap, and one of the file is mounted', () => {
  const { graph } = decode('W:\n  backend: trtllm\n  engine-config: {max_batch_size: 8}\n');
  const written = toJson(
    graph?.companions.configMaps.get('w-engine-config') ?? {
      kind: 'scalar',
      value: null,
      origin: { kind: 'flag', flag: '' },
    },
  );
  expect(written).toMatchObject({ data: { 'engine.yaml': '{\n  "max_batch_size": 8\n}' } });
  const named =
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\ndata: {e.yaml: "a: 1"}\n---\nW: {backend: vllm, engine-config: mine}\n';
  expect(services(named).W).toMatchObject({
    extraPodSpec: {
      volumes: [{ name: 'engine-config', configMap: { name: 'mine' } }],
      mainContainer: { volumeMounts: [{ mountPath: '/etc/dynamo/engine' }] },
    },
  });
  expect(words(named, 'W').slice(3)).toEqual(['--config', '/etc/dynamo/engine/e.yaml']);
});

test('a log that a readiness probe greps is written, once', () => {
  const probe = '  readinessProbe: {exec: {command: [sh, -c, "grep up /tmp/w.log"]}}\n';
  expect(words(`W:\n  backend: vllm\n  model: a b\n${probe}`, 'W')).toEqual([
    '/bin/bash',
    '-c',
    "exec > >(tee /tmp/w.log) 2>&1; exec python3 -m dynamo.vllm --model 'a b'",
  ]);
  const own = `W:\n  backend: vllm\n  args: ["python3 -m dynamo.vllm | tee /tmp/w.log"]\n${probe}`;
  expect(words(own, 'W')).toEqual(['/bin/sh', '-c', 'python3 -m dynamo.vllm | tee /tmp/w.log']);
});

test('variables may be a map, and a shell line stays one', () => {
  const text =
    'W:\n  image: x/vllm-runtime:1.4.2\n  env: {A: 1}\n  enforce-eager: true\n  args: ["python3 -m dynamo.vllm --model m"]\n';
  expect(services(text).W).toMatchObject({ extraPodSpec: { mainContainer: { env: [{ name: 'A', value: '1' }] } } });
  expect(words(text, 'W')).toEqual(['/bin/sh', '-c', 'python3 -m dynamo.vllm --model m --enforce-eager']);
});

test.each([
  ['services:\n  web: {image: x, ports: ["80:80"]}\n', 'error KIND_MISSING 1:1'],
  ['a: 1\n', 'error KIND_MISSING 1:1'],
  ['W: {replica: 2, componentType: worker}\n', 'error UNKNOWN_FIELD'],
])('%j is no fragment, or has an unknown field', (text, expected) => {
  expect(problemsOf(text).some((problem) => problem.startsWith(expected))).toBe(true);
});

test('services below a key without a header are a fragment too', () => {
  for (const text of [
    'services:\n  W: {componentType: worker, backend: vllm}\n',
    'spec:\n  services:\n    W: {replicas: 2}\n',
  ])
    expect(Object.keys(services(text))).toEqual(['Frontend', 'W']);
});
