import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutTestFlags } from '../../../src/convert/test-flags.ts';
import { toScript } from '../../../src/convert/to-script.ts';
import type { Graph } from '../../../src/model/graph.ts';
import { type Json, toJson } from '../../../src/model/node.ts';
import { type Interpretation, interpretRecording } from '../../../src/script/interpret-recording.ts';
import { recordScript } from '../../../src/script/record-script.ts';
import { readGraph } from '../operator/read-corpus.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dynamo-to-script-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function example(path: string): Graph {
  return readGraph(readFileSync(resolve('launch', path), 'utf8'));
}

type Environment = Readonly<Record<string, string>>;

async function record(file: string, name?: string, env: Environment = {}): Promise<Interpretation> {
  const recording = await recordScript({ file, args: [], env, room: 'auto' }, AbortSignal.timeout(60_000));
  return interpretRecording(recording, name === undefined ? {} : { name });
}

async function recordText(text: string, name: string, env: Environment = {}): Promise<Interpretation> {
  const file = join(folder, `${name}-${Math.random().toString(36).slice(2)}.sh`);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return record(file, name, env);
}

/** The graph and its companions, without what a script never says: names of components, their images, the token's Secret. */
function content({ name, spec, components, companions }: Graph): Json {
  return {
    name,
    env: plain(spec.fields.get('env')),
    components: components.map(({ written }) => {
      const { name: _, ...rest } = JSON.parse(JSON.stringify(toJson(written)));
      return JSON.parse(
        JSON.stringify(rest, (key, value) => (key === 'image' || key === 'envFrom' ? undefined : value)),
      );
    }),
    configMaps: Object.fromEntries([...companions.configMaps].map(([key, node]) => [key, toJson(node)])),
  };
}

function plain(node: Parameters<typeof toJson>[0] | undefined): Json {
  return node === undefined ? null : toJson(node);
}

const EXAMPLES = ['mocker', 'vllm', 'sglang', 'trtllm'].flatMap((backend) =>
  ['agg', 'agg_router', 'disagg', 'disagg_router'].map((pattern) => `${backend}/${pattern}`),
);

describe('there and back', () => {
  test.each(EXAMPLES)('%s.yaml as a script is the same graph', async (path) => {
    const graph = example(`${path}.yaml`);
    const { text, diagnostics } = toScript(graph);
    const { graph: back } = await recordText(text, graph.name);
    expect(diagnostics).toEqual([]);
    expect(content(back)).toEqual(content(graph));
    expect(toScript(back).text.replaceAll(/^# .*$/gm, '')).toBe(text.replaceAll(/^# .*$/gm, ''));
  });

  test.each(EXAMPLES)('%s.sh as YAML and as a script again is the same graph', async (path) => {
    const first = await record(resolve('launch', `${path}.sh`));
    const { text } = toScript(first.graph);
    const second = await recordText(text, first.graph.name);
    expect(content(second.graph)).toEqual(content(first.graph));
    expect(toScript(second.graph).text).toBe(text);
  });
});

const SCRIPTS: Readonly<Record<string, string>> = {
  'an engine beside its sidecar, twice': `
for i in 0 1; do
  CUDA_VISIBLE_DEVICES=$i python3 -m sglang.launch_server --model-path m --grpc-port $((50051 + i)) &
  DYN_SYSTEM_PORT=$((8081 + i)) dynamo-sglang-sidecar --endpoint http://127.0.0.1:$((50051 + i)) &
done`,
  'ranks of one engine': `
for rank in 0 1; do
  CUDA_VISIBLE_DEVICES=$rank DYN_SYSTEM_PORT=$((8081 + rank)) VLLM_NIXL_SIDE_CHANNEL_PORT=$((20097 + rank)) \\
    python3 -m dynamo.vllm --model m --data-parallel-rank $rank --data-parallel-size 2 --data-parallel-rpc-port 13345 &
done`,
  'equal workers that start one after the other': `
DYN_SYSTEM_PORT=8081 CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.vllm --model m &
until curl -sf http://localhost:8081/health; do sleep 1; done
DYN_SYSTEM_PORT=8082 CUDA_VISIBLE_DEVICES=1 python3 -m dynamo.vllm --model m &`,
  'workers that share a GPU and start one after the other': `
DYN_SYSTEM_PORT=8081 CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.vllm --model m --disaggregation-mode prefill &
until curl -sf http://localhost:8081/health; do sleep 1; done
DYN_SYSTEM_PORT=8082 CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.vllm --model m --disaggregation-mode decode &`,
  'a file that the script writes': `
HERE="$(cd "$(dirname "\${BASH_SOURCE[0]}")" && pwd)"
printf 'a: 1\\nb: "it'"'"'s"\\n' > "$HERE/engine.yaml"
printf 'no line break' > /tmp/other.json
CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.trtllm --model-path m --extra-engine-args "$HERE/engine.yaml" --override /tmp/other.json &`,
  'a secret in an argument, and what looks like a reference': `
export HF_TOKEN=\${HF_TOKEN:-hf_of_the_script}
CUDA_VISIBLE_DEVICES=0 python3 -m dynamo.vllm --model m --auth "Bearer $HF_TOKEN" --text '$(HOME) $$ \${X}' &`,
  'ranks without side channels, and words that objects have': `
for rank in 0 1; do
  CUDA_VISIBLE_DEVICES=$rank DYN_SYSTEM_PORT=$((8081 + rank)) \\
    python3 -m dynamo.vllm --model constructor --note toString --data-parallel-rank $rank --data-parallel-rpc-port 13345 &
done`,
  'variables, secrets and words that need quotes': `
export DYN_LOG=debug HF_TOKEN=\${HF_TOKEN:-}
CUDA_VISIBLE_DEVICES=0,1 EMPTY= NOTE='a "b" $c' python3 -m dynamo.vllm --model "it's m" --tensor-parallel-size 2 --note '' &`,
};

describe('what scripts are made of comes back', () => {
  test.each(Object.entries(SCRIPTS))('%s', async (_, body) => {
    const frontend = 'python3 -m dynamo.frontend --router-mode kv &';
    const env = { HF_TOKEN: 'hf_of_the_caller' };
    const first = await recordText(`#!/bin/bash\n${frontend}\n${body}\nwait\n`, 'round', env);
    const { text } = toScript(first.graph);
    const second = await recordText(text, 'round', env);
    expect(content(second.graph)).toEqual(content(first.graph));
    expect(toScript(second.graph).text).toBe(text);
    expect(withoutTestFlags(second.graph).diagnostics).toEqual([]);
  });
});

describe('replicas on one host', () => {
  test('share no port and no GPU', () => {
    const { text } = toScript(example('vllm/disagg_router.yaml'));
    const all = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]);
    expect(all(/DYN_SYSTEM_PORT=(\d+)/g)).toEqual(['8081', '8082', '8083', '8084']);
    expect(all(/VLLM_NIXL_SIDE_CHANNEL_PORT=(\d+)/g)).toEqual(['20097', '20098', '20099', '20100']);
    expect(all(/tcp:\/\/\*:(\d+)/g)).toEqual(['20080', '20081']);
    expect(all(/CUDA_VISIBLE_DEVICES=(\S+)/g)).toEqual(['0', '1', '2', '3']);
  });

  test('have a bootstrap server of their own where they prefill', () => {
    const { text } = toScript(example('sglang/disagg_router.yaml'));
    expect([...text.matchAll(/--disaggregation-bootstrap-port (\d+)/g)].map((match) => match[1])).toEqual([
      '12345',
      '12346',
      '12345',
      '12345',
    ]);
  });
});

test('the service of the frontend is this host, and a second frontend listens beside the first', () => {
  const { text } = toScript(
    readGraph(`apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - {name: Frontend, type: frontend, replicas: 2}
    - name: proxy
      podTemplate:
        spec:
          containers:
            - {name: main, image: i, command: [proxy, "--url=http://g-frontend:8000/v1"]}
`),
  );
  expect(text).toContain('--url=http://localhost:"${DYN_HTTP_PORT:-8000}"/v1');
  expect([...text.matchAll(/--http-port (\S+)/g)].map((match) => match[1])).toEqual([
    '"${DYN_HTTP_PORT:-8000}"',
    '8001',
  ]);
});

test('what a script has no words for is said at its place', () => {
  const { text, diagnostics } = toScript(
    readGraph(`apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - name: Frontend
      type: frontend
    - name: decode
      type: worker
      multinode: {nodeCount: 2}
      podTemplate:
        spec:
          initContainers: [{name: fetch, image: i, command: [fetch]}]
          containers:
            - name: main
              image: own
              env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
`),
  );
  expect(text).toContain('python3 -m dynamo.frontend');
  expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([
    'LEFT_OUT spec.components.decode.multinode is left out: a script starts processes and has no words for it',
    'LEFT_OUT spec.components.decode: container fetch is left out: it prepares a container, and a script runs on the host',
    'LEFT_OUT spec.components.decode: container main is left out: its image alone says what it runs',
  ]);
});
