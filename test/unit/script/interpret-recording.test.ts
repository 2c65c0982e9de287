import { describe, expect, test } from 'vitest';
import { toJson } from '../../../src/model/node.ts';
import type { InterpretOptions } from '../../../src/script/interpret-context.ts';
import { type Interpretation, interpretRecording } from '../../../src/script/interpret-recording.ts';
import type { Launch, Recording } from '../../../src/script/recording.ts';

const SCRIPT = '/repo/examples/backends/vllm/launch/agg_router.sh';

/** A launch written as its command line, `A=1 python3 -m x`; lines count from 10. */
function launches(...written: readonly (string | Partial<Launch>)[]): readonly Launch[] {
  return written.map((entry, index) => {
    const given = typeof entry === 'string' ? { argv: entry.split(' ') } : entry;
    const words = given.argv ?? [];
    const start = words.findIndex((word) => !/^[A-Z_0-9]+=/.test(word));
    const env = Object.fromEntries(
      words.slice(0, start).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
    );
    return {
      env,
      cwd: '/repo/examples/backends/vllm',
      background: true,
      line: 10 + index,
      after: [],
      files: [],
      ...given,
      argv: words.slice(start),
    };
  });
}

function interpret(written: readonly Launch[], options: InterpretOptions = {}, script = SCRIPT): Interpretation {
  const recording: Recording = {
    script,
    tree: '/repo',
    launches: written,
    notices: [],
    room: 'namespace',
    exitCode: 0,
    output: '',
  };
  return interpretRecording(recording, options);
}

/** `name:type xN gpu` of each component. */
function shapes({ graph }: Interpretation): readonly string[] {
  return graph.components.map((component) => {
    const json = JSON.parse(JSON.stringify(toJson(component.written)));
    const [main] = json.podTemplate.spec.containers;
    const beside = (json.podTemplate.spec.initContainers ?? []).map(
      (container: { name: string }) => `+${container.name}`,
    );
    return [
      `${json.name}:${json.type ?? '-'}`,
      `x${json.replicas}`,
      main.resources?.limits['nvidia.com/gpu'] ?? '0',
      ...beside,
    ].join(' ');
  });
}

function main(interpretation: Interpretation, name: string): Record<string, unknown> {
  const component = interpretation.graph.components.find((candidate) => candidate.name === name);
  const json = JSON.parse(JSON.stringify(component === undefined ? {} : toJson(component.written)));
  return json.podTemplate.spec.containers[0];
}

function codes({ diagnostics }: Interpretation): readonly string[] {
  return diagnostics.map((diagnostic) => `${diagnostic.at?.line ?? ''} ${diagnostic.code}`);
}

const FRONTEND = 'python3 -m dynamo.frontend';
const VLLM = 'python3 -m dynamo.vllm --model m';

describe('a recording read as a graph', () => {
  test('collapses launches that differ only in device and ports into replicas, with the ports of the first', () => {
    const events = (port: number) => `--kv-events-config {"endpoint":"tcp://*:${port}"}`;
    const read = interpret(
      launches(
        `${FRONTEND} --http-port 8000 --router-mode kv`,
        `CUDA_VISIBLE_DEVICES=0 DYN_SYSTEM_PORT=8081 ${VLLM} ${events(20080)}`,
        `CUDA_VISIBLE_DEVICES=1 DYN_SYSTEM_PORT=8082 VLLM_NIXL_SIDE_CHANNEL_PORT=20097 ${VLLM} ${events(20081)}`,
      ),
    );
    expect(read.graph.name).toBe('vllm-agg-router');
    expect(toJson(read.graph.spec)).toEqual({
      backendFramework: 'vllm',
      components: [
        {
          name: 'Frontend',
          type: 'frontend',
          replicas: 1,
          podTemplate: {
            spec: {
              containers: [
                {
                  name: 'main',
                  image: 'nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2',
                  env: [{ name: 'DYN_ROUTER_MODE', value: 'kv' }],
                },
              ],
            },
          },
        },
        {
          name: 'VllmDecodeWorker',
          type: 'worker',
          replicas: 2,
          podTemplate: {
            spec: {
              containers: [
                {
                  name: 'main',
                  image: 'nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2',
                  command: ['python3', '-m', 'dynamo.vllm'],
                  args: ['--model', 'm', '--kv-events-config', '{"endpoint":"tcp://*:20080"}'],
                  envFrom: [{ secretRef: { name: 'hf-token-secret', optional: true } }],
                  resources: { limits: { 'nvidia.com/gpu': '1' } },
                },
              ],
            },
          },
        },
      ],
    });
    expect(codes(read)).toEqual(['11 SETTING_DROPPED']);
  });

  test('gives every value the line of its launch, and the image its flag', () => {
    const { graph } = interpret(launches(FRONTEND, VLLM), { image: () => 'mine:1', name: 'given' });
    expect(graph.name).toBe('given');
    expect(graph.components.map((component) => component.origin)).toEqual([
      { kind: 'file', at: { file: SCRIPT, line: 10, col: 1 } },
      { kind: 'file', at: { file: SCRIPT, line: 11, col: 1 } },
    ]);
    const image = JSON.stringify(
      [...graph.components].map((component) => component.written),
      (_, value) => (value instanceof Map ? Object.fromEntries(value) : value),
    );
    expect(image).toContain('"flag":"--image"');
  });

  test('a frontend with other flags keeps an explicit command, its router mode with it', () => {
    const read = interpret(launches(`${FRONTEND} --http-port=8001 --router-mode kv --router-reset-states`, VLLM));
    expect(main(read, 'Frontend')).toMatchObject({
      command: ['python3', '-m', 'dynamo.frontend'],
      args: ['--router-mode', 'kv', '--router-reset-states'],
    });
    expect(codes(read)).toEqual(['10 SETTING_DROPPED']);
  });

  test('roles come from flags of every generation, and an engine beside a prefill worker decodes', () => {
    expect(
      shapes(
        interpret(
          launches(FRONTEND, `CUDA_VISIBLE_DEVICES=0 ${VLLM}`, `CUDA_VISIBLE_DEVICES=1 ${VLLM} --is-prefill-worker`),
        ),
      ),
    ).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:decode x1 1', 'VllmPrefillWorker:prefill x1 1']);
    const trtllm = 'python3 -m dynamo.trtllm --disaggregation-strategy prefill_first --disaggregation-mode';
    const gpus = ['0,1', '2,3', '4'].map((devices) => `CUDA_VISIBLE_DEVICES=${devices} ${trtllm}`);
    expect(
      shapes(interpret(launches(FRONTEND, `${gpus[0]} prefill`, `${gpus[1]} decode`, `${gpus[2]} encode`))),
    ).toEqual(['Frontend:frontend x1 0', 'prefill:prefill x1 2', 'decode:decode x1 2', 'EncodeWorker:worker x1 1']);
  });

  test('knows routers, planners, mockers and processors, which take no GPU', () => {
    const kinds = ['router', 'planner', 'mocker --model-path m', 'sglang --multimodal-processor'].map(
      (module) => `python3 -m dynamo.${module}`,
    );
    expect(shapes(interpret(launches(FRONTEND, ...kinds)))).toEqual([
      'Frontend:frontend x1 0',
      'Router:- x1 0',
      'Planner:planner x1 0',
      'MockerWorker:worker x1 0',
      'Processor:worker x1 0',
    ]);
  });

  test('GPUs come from the devices, else from what the parallel flags multiply to', () => {
    const sizes = [
      '--tensor-parallel-size 2 --pipeline-parallel-size 2',
      '--tp=4',
      '--tp 2 --dp-size 2 --enable-dp-attention',
      '--data-parallel-size 2',
    ];
    const read = interpret(
      launches(FRONTEND, ...sizes.map((size) => `python3 -m dynamo.vllm ${size}`), `ZE_AFFINITY_MASK=1,2,3 ${VLLM}`),
    );
    expect(shapes(read).map((shape) => shape.split(' ')[2])).toEqual(['0', '4', '4', '2', '2', '3']);
    expect(codes(read)).toContain('15 DEVICE_KIND');
  });

  test.each([
    ['ZE_AFFINITY_MASK', 'Intel GPUs'],
    ['HABANA_VISIBLE_DEVICES', 'Intel Gaudi'],
    ['HIP_VISIBLE_DEVICES', 'AMD GPUs'],
    ['ROCR_VISIBLE_DEVICES', 'AMD GPUs'],
  ])('%s counts devices, and that they are %s is said', (variable, whose) => {
    const read = interpret(launches(FRONTEND, `${variable}=0,1 ${VLLM}`));
    expect(shapes(read).map((shape) => shape.split(' ')[2])).toEqual(['0', '2']);
    const said = read.diagnostics.filter(({ code }) => code === 'DEVICE_KIND').map(({ message }) => message);
    expect(said).toEqual([expect.stringContaining(`in place of the ${whose} that ${variable} names`)]);
  });

  test.each([
    'uv run python3 -m dynamo.vllm --model m',
    'uv run --extra vllm -p 3.12 --with a --no-sync python3 -m dynamo.vllm --model m',
    'uv run --project=/x -- python3 -m dynamo.vllm --model m',
    'uv run -m dynamo.vllm --model m',
  ])('%s runs what stands behind the options of uv', (line) => {
    const read = interpret(launches(FRONTEND, line));
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 1']);
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      command: ['python3', '-m', 'dynamo.vllm'],
      args: ['--model', 'm'],
    });
  });

  test('two launches on one GPU stay apart and say that they share', () => {
    const read = interpret(
      launches(
        FRONTEND,
        `CUDA_VISIBLE_DEVICES=0 ${VLLM} --is-decode-worker`,
        `CUDA_VISIBLE_DEVICES=0 ${VLLM} --is-prefill-worker`,
      ),
    );
    const annotations = read.graph.components
      .slice(1)
      .map((component) => JSON.parse(JSON.stringify(toJson(component.written))).podTemplate.metadata);
    expect(annotations).toEqual([
      { annotations: { 'dynamo.local/gpu-slots': '0' } },
      { annotations: { 'dynamo.local/gpu-slots': '0' } },
    ]);
    expect(codes(read)).toEqual(['11 GPU_SHARED', '12 GPU_SHARED']);
  });

  test('an engine and its sidecar, joined by a loopback port, are one replica', () => {
    const engine = (device: number, port: number) =>
      `CUDA_VISIBLE_DEVICES=${device} vllm-rs serve m --port ${port} --grpc-port ${port + 1}`;
    const sidecar = (port: number) => `dynamo-vllm-sidecar --grpc-endpoint 127.0.0.1:${port}`;
    const apart = interpret(
      launches(
        FRONTEND,
        engine(0, 8100),
        engine(1, 8200),
        `${sidecar(8101)} --disaggregation-mode decode`,
        `${sidecar(8201)} --disaggregation-mode prefill`,
      ),
    );
    expect(shapes(apart)).toEqual([
      'Frontend:frontend x1 0',
      'decode:decode x1 0 +engine',
      'prefill:prefill x1 0 +engine',
    ]);
    const alike = interpret(launches(FRONTEND, engine(0, 8100), sidecar(8101), engine(1, 8200), sidecar(8201)));
    expect(shapes(alike)).toEqual(['Frontend:frontend x1 0', 'VLLMWorker:worker x2 0 +engine']);
    const [, component] = JSON.parse(JSON.stringify(alike.graph.components.map(({ written }) => toJson(written))));
    expect(component.podTemplate.spec.initContainers).toEqual([
      expect.objectContaining({
        name: 'engine',
        restartPolicy: 'Always',
        command: ['vllm-rs'],
        resources: { limits: { 'nvidia.com/gpu': '1' } },
      }),
    ]);
  });

  test('ranks of one engine are one container, each with its devices and ports, and ranks of another node an error', () => {
    const rank = (index: number) =>
      `CUDA_VISIBLE_DEVICES=${4 + index} VLLM_NIXL_SIDE_CHANNEL_PORT=${20096 + index} DYN_SYSTEM_PORT=${8081 + index} ${VLLM} --data-parallel-size 2 --data-parallel-rank ${index} --data-parallel-address localhost --data-parallel-rpc-port 13345`;
    const read = interpret(launches(FRONTEND, rank(0), rank(1)));
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 2']);
    const rest = '--data-parallel-address localhost --data-parallel-rpc-port 13345 &';
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      command: ['/bin/bash', '-c'],
      args: [
        [
          "trap 'trap - TERM; kill 0; wait' EXIT TERM",
          `CUDA_VISIBLE_DEVICES=0 VLLM_NIXL_SIDE_CHANNEL_PORT=20096 ${VLLM} --data-parallel-size 2 --data-parallel-rank 0 ${rest}`,
          `CUDA_VISIBLE_DEVICES=1 DYN_SYSTEM_PORT=9091 VLLM_NIXL_SIDE_CHANNEL_PORT=20097 ${VLLM} --data-parallel-size 2 --data-parallel-rank 1 ${rest}`,
          'wait -n',
        ].join('\n'),
      ],
    });
    expect(codes(interpret(launches(FRONTEND, rank(0))))).toContain('11 SEVERAL_NODES');
  });

  test('ranks beside a cache server keep a GPU each in their container', () => {
    const rank = (index: number) =>
      `CUDA_VISIBLE_DEVICES=${index} ${VLLM} --kv-transfer-config {"port":5555,"host":"tcp://localhost:5555"} --data-parallel-rank ${index}`;
    const read = interpret(launches(FRONTEND, 'lmcache server --port 5555', rank(0), rank(1)));
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 2 +engine']);
    const shell = JSON.stringify(main(read, 'VllmDecodeWorker').args);
    expect([...shell.matchAll(/CUDA_VISIBLE_DEVICES=(\d)/g)].map((match) => match[1])).toEqual(['0', '1']);
  });

  test('a server that meets the worker at a socket in /tmp is beside it, and both see one /tmp', () => {
    const read = interpret(
      launches(
        FRONTEND,
        'cache-server --listen ipc:///tmp/cache.sock',
        `${VLLM} --kv-transfer-config {"server":"ipc:///tmp/cache.sock"}`,
      ),
    );
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 1 +engine']);
    const [, component] = JSON.parse(JSON.stringify(read.graph.components.map(({ written }) => toJson(written))));
    const { initContainers, containers, volumes } = component.podTemplate.spec;
    expect(volumes).toEqual([{ name: 'shared-tmp', emptyDir: {} }]);
    for (const container of [...initContainers, ...containers])
      expect(container.volumeMounts).toEqual([{ name: 'shared-tmp', mountPath: '/tmp' }]);
  });

  test('secrets are referred to and never written', () => {
    const read = interpret(
      launches(`HF_TOKEN=hf_1 AWS_SECRET_ACCESS_KEY=aws_2 ${FRONTEND}`, `HF_TOKEN=hf_1 MY_API_KEY=my_3 ${VLLM}`),
    );
    expect(JSON.stringify([toJson(read.graph.spec), read.diagnostics])).not.toMatch(/hf_1|aws_2|my_3/);
    expect(toJson(read.graph.spec)).toMatchObject({
      env: [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf-token-secret', key: 'HF_TOKEN' } } }],
    });
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      env: [
        {
          name: 'MY_API_KEY',
          valueFrom: { secretKeyRef: { name: 'vllm-agg-router-secrets', key: 'MY_API_KEY' } },
        },
      ],
    });
    expect([...read.secrets].map(([name, values]) => [name, Object.fromEntries(values)])).toEqual([
      ['hf-token-secret', { HF_TOKEN: 'hf_1' }],
      ['vllm-agg-router-secrets', { AWS_SECRET_ACCESS_KEY: 'aws_2', MY_API_KEY: 'my_3' }],
    ]);
  });

  test('a secret that arguments repeat is a reference there, and what looks like a reference is none', () => {
    const read = interpret(
      launches(`HF_TOKEN=hf_abcdef123 ${FRONTEND} --tok=hf_abcdef123`, {
        argv: [...VLLM.split(' '), '--auth', 'Bearer hf_abcdef123', '--text', '$(HOME) $$ $x'],
        env: { A: '$(B)' },
      }),
    );
    expect(JSON.stringify([toJson(read.graph.spec), read.diagnostics])).not.toContain('hf_abcdef123');
    expect(main(read, 'Frontend')).toMatchObject({ args: ['--tok=$(HF_TOKEN)'] });
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      args: ['--model', 'm', '--auth', 'Bearer $(HF_TOKEN)', '--text', '$$(HOME) $$$ $x'],
      env: [{ name: 'A', value: '$$(B)' }],
    });
    const { env } = JSON.parse(JSON.stringify(toJson(read.graph.spec)));
    expect(env).toEqual([
      { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf-token-secret', key: 'HF_TOKEN' } } },
    ]);
  });

  test('localhost is the service of the frontend, and an address without a listener is said', () => {
    const read = interpret(
      launches(
        `${FRONTEND} --http-port 8000`,
        `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4317 ${VLLM}`,
        'python3 -m dynamo.proxy --backend-url http://localhost:8000/v1',
      ),
    );
    expect(main(read, 'ProxyWorker')).toMatchObject({
      args: ['--backend-url', 'http://vllm-agg-router-frontend:8000/v1'],
    });
    expect(codes(read)).toContain('11 ADDRESS_LOCAL');
  });

  test('infrastructure, helpers and containers are left out by name and line', () => {
    const read = interpret(
      launches(
        'etcd --data-dir /tmp/etcd',
        'nats-server -js',
        { argv: 'python3 -m dynamo.sglang.utils.clear_namespace'.split(' '), background: false },
        { argv: 'python3 prepare.py'.split(' '), background: false },
        'docker run -d minio/minio',
        'mpirun -n 2 python3 -m dynamo.trtllm',
        FRONTEND,
        { argv: VLLM.split(' '), background: false },
      ),
    );
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 1']);
    expect(read.diagnostics.map(({ at, severity, code }) => `${at?.line} ${severity} ${code}`)).toEqual([
      '10 notice INFRASTRUCTURE_DROPPED',
      '11 notice INFRASTRUCTURE_DROPPED',
      '12 notice HELPER_DROPPED',
      '13 notice HELPER_DROPPED',
      '14 warning NOT_A_CONTAINER',
      '15 error NOT_A_CONTAINER',
    ]);
    expect(() => interpret(launches('docker run -d minio/minio'))).toThrowError(
      expect.objectContaining({ code: 'NOTHING_STARTED' }),
    );
  });

  test('what all export goes to the graph, the settings of script and host do not', () => {
    const exported = 'PYTHONHASHSEED=0 MODEL_PATH=m NATS_SERVER=nats://localhost:4222 AGG_ENGINE_ARGS=a.yaml';
    const read = interpret(
      launches(`${exported} ${FRONTEND}`, `${exported} DYN_LOG=debug ENABLE_LMCACHE=1 ${VLLM} --tp 1`),
    );
    expect(toJson(read.graph.spec)).toMatchObject({ env: [{ name: 'PYTHONHASHSEED', value: '0' }] });
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      env: [
        { name: 'DYN_LOG', value: 'debug' },
        { name: 'ENABLE_LMCACHE', value: '1' },
      ],
    });
    expect(new Set(read.diagnostics.map(({ message }) => message.split(' ')[0]))).toEqual(
      new Set(['MODEL_PATH', 'NATS_SERVER', 'AGG_ENGINE_ARGS']),
    );
  });

  test('paths of the tree are those of the workspace, relative ones get its directory, written files a ConfigMap', () => {
    const file = { path: '/tmp/engine-000001.yaml', content: 'a: 1\n' };
    const read = interpret(
      launches(FRONTEND, {
        argv: `${VLLM} --a /repo/examples/x/launch/../c.yaml --b configs/b.yaml --c ${file.path}`.split(' '),
        files: [file],
      }),
    );
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      args: [
        '--model',
        'm',
        '--a',
        '/workspace/examples/x/c.yaml',
        '--b',
        'configs/b.yaml',
        '--c',
        '/tmp/engine-000001.yaml',
      ],
      workingDir: '/workspace/examples/backends/vllm',
      volumeMounts: [{ name: 'launch-files', mountPath: '/tmp/engine-000001.yaml', subPath: 'engine-000001.yaml' }],
    });
    expect([...read.graph.companions.configMaps].map(([name, node]) => [name, toJson(node)])).toEqual([
      [
        'vllm-agg-router-files',
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'vllm-agg-router-files' },
          data: { 'engine-000001.yaml': 'a: 1\n' },
        },
      ],
    ]);
  });

  test('who looks at workers is no part of them; where it cannot reach them is said', () => {
    const worker = (index: number) => `CUDA_VISIBLE_DEVICES=${index} DYN_SYSTEM_PORT=${8081 + index} ${VLLM}`;
    const read = interpret(
      launches(
        FRONTEND,
        worker(0),
        worker(1),
        'python3 scrape.py --of http://localhost:8081/metrics,http://localhost:8082',
      ),
    );
    expect(shapes(read)).toEqual([
      'Frontend:frontend x1 0',
      'VllmDecodeWorker:worker x2 1',
      'ScrapeWorker:worker x1 0',
    ]);
    expect(read.diagnostics.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'scrape.py speaks to localhost:8081, where dynamo.vllm listens in a container of its own',
        'scrape.py speaks to localhost:8082, where dynamo.vllm listens in a container of its own',
      ]),
    );
    const asking = interpret(launches(`CACHE=http://localhost:8081/metrics ${FRONTEND}`, worker(0)));
    expect(codes(asking)).toContain('10 ADDRESS_LOCAL');
  });

  test('clients of the graph are no components', () => {
    const read = interpret(
      launches(FRONTEND, VLLM, 'python3 side.py --url http://localhost:8000/v1', 'python3 bench_serving.py --model m'),
    );
    expect(shapes(read)).toEqual(['Frontend:frontend x1 0', 'VllmDecodeWorker:worker x1 1']);
    expect(codes(read)).toEqual(['12 CLIENT_DROPPED', '13 CLIENT_DROPPED']);
  });

  test('what is polled beside a worker is probed there before it starts', () => {
    const at = { file: SCRIPT, line: 12 };
    const after = [{ kind: 'poll' as const, url: 'localhost:5555/healthcheck', launch: 1, at }];
    const read = interpret([
      ...launches(FRONTEND, 'lmcache server --port 5555', {
        argv: [...VLLM.split(' '), '--kv-transfer-config', '{"host":"tcp://localhost:5555"}'],
        after,
      }),
    ]);
    const [, component] = JSON.parse(JSON.stringify(read.graph.components.map(({ written }) => toJson(written))));
    expect(component.podTemplate.spec.initContainers[0].startupProbe).toMatchObject({
      httpGet: { path: '/healthcheck', port: 5555 },
    });
  });

  test('replicas that the script starts one after another start after themselves', () => {
    const at = { file: SCRIPT, line: 12 };
    const after = [{ kind: 'poll' as const, url: 'http://localhost:8081/health', launch: 0, at }];
    const read = interpret(
      launches(`CUDA_VISIBLE_DEVICES=0 DYN_SYSTEM_PORT=8081 ${VLLM}`, {
        argv: VLLM.split(' '),
        env: { CUDA_VISIBLE_DEVICES: '1' },
        after,
      }),
    );
    expect([...read.startAfter]).toEqual([['VllmDecodeWorker', ['VllmDecodeWorker']]]);
  });

  test('a model in a variable stays where no argument has it, and a host to listen on is said', () => {
    const read = interpret(
      launches(
        `${FRONTEND} --http-host 127.0.0.1`,
        'MODEL_PATH=/models/x python3 components/worker.py',
        `MODEL=m ${VLLM}`,
      ),
    );
    expect(main(read, 'Worker')).toMatchObject({ env: [{ name: 'MODEL_PATH', value: '/models/x' }] });
    expect(main(read, 'VllmDecodeWorker')).not.toHaveProperty('env');
    expect(codes(read)).toEqual(expect.arrayContaining(['10 SETTING_DROPPED', '12 SETTING_DROPPED']));
  });

  test('a file that is written anew for the next process is another file', () => {
    const worker = (role: string, content: string): Partial<Launch> => ({
      argv: `python3 -m dynamo.trtllm --disaggregation-mode ${role} --extra-engine-args /tmp/cfg.yaml`.split(' '),
      files: [{ path: '/tmp/cfg.yaml', content }],
    });
    const read = interpret(launches(FRONTEND, worker('prefill', 'tp: 1\n'), worker('decode', 'tp: 2\n')));
    const [configMap] = [...read.graph.companions.configMaps.values()].map(toJson);
    expect(configMap).toMatchObject({ data: { 'cfg.yaml': 'tp: 1\n', '1-cfg.yaml': 'tp: 2\n' } });
    const mounts = ['prefill', 'decode'].map((name) => main(read, name).volumeMounts);
    expect(mounts).toEqual([
      [{ name: 'launch-files', mountPath: '/tmp/cfg.yaml', subPath: 'cfg.yaml' }],
      [{ name: 'launch-files', mountPath: '/tmp/cfg.yaml', subPath: '1-cfg.yaml' }],
    ]);
  });

  test('keeps the order that the script polls for', () => {
    const at = { file: SCRIPT, line: 12 };
    const first = launches(`DYN_SYSTEM_PORT=8081 ${VLLM} --is-decode-worker`);
    const second: Partial<Launch> = {
      argv: FRONTEND.split(' '),
      after: [{ kind: 'poll', url: 'http://localhost:8081/health', launch: 0, at }],
    };
    expect([...interpret([...first, ...launches(second)]).startAfter]).toEqual([['Frontend', ['VllmDecodeWorker']]]);
  });

  test('a long sleep keeps engines apart, a short one does not, and no wait goes in a circle', () => {
    const sleep = (seconds: number) => [{ kind: 'sleep' as const, seconds, at: { file: SCRIPT, line: 1 } }];
    const worker = (role: string, seconds: number): Partial<Launch> => ({
      argv: `${VLLM} --disaggregation-mode ${role}`.split(' '),
      after: sleep(seconds),
    });
    const read = (seconds: number) => [
      ...interpret(launches(FRONTEND, worker('decode', 0), worker('prefill', seconds), worker('decode', seconds)))
        .startAfter,
    ];
    expect(read(20)).toEqual([
      ['VllmPrefillWorker', ['VllmDecodeWorker']],
      ['VllmDecodeWorker', ['VllmDecodeWorker']],
    ]);
    expect(read(2)).toEqual([]);
  });

  test('a file written into the tree stands outside of it, since the tree is read-only there', () => {
    const file = { path: '/repo/examples/backends/vllm/made.yaml', content: 'a: 1\n' };
    const read = interpret(
      launches(FRONTEND, { argv: `${VLLM} --a made.yaml --b=${file.path}`.split(' '), files: [file] }),
    );
    expect(main(read, 'VllmDecodeWorker')).toMatchObject({
      args: ['--model', 'm', '--a', '/opt/launch-files/made.yaml', '--b=/opt/launch-files/made.yaml'],
      volumeMounts: [{ name: 'launch-files', mountPath: '/opt/launch-files/made.yaml', subPath: 'made.yaml' }],
    });
  });

  test('frontends on ports of their own become replicas, and the runtime version is in the image', () => {
    const read = interpret(
      launches(
        `${FRONTEND} --http-port 8000 --router-mode kv --router-reset-states`,
        `${FRONTEND} --http-port 8001 --router-mode kv`,
        'python3 -m dynamo.trtllm',
      ),
      { runtimeVersion: () => '1.6.1' },
    );
    expect(shapes(read)).toEqual(['Frontend:frontend x2 0', 'TRTLLMWorker:worker x1 1']);
    expect(main(read, 'TRTLLMWorker').image).toBe('nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime:1.6.1');
    expect(codes(read)).toContain('10 FRONTENDS_MERGED');
  });
});
