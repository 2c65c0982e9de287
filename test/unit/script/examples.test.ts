import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { loadGraph } from '../../../src/dgd/load-graph.ts';
import type { Graph } from '../../../src/model/graph.ts';
import { type Json, toJson } from '../../../src/model/node.ts';
import { interpretRecording } from '../../../src/script/interpret-recording.ts';
import { recordScript } from '../../../src/script/record-script.ts';

const NAMES = ['agg', 'agg_router', 'disagg', 'disagg_router'] as const;

/** A graph without the names of its components, which the examples choose freely. */
function content({ name, spec, components }: Graph): Json {
  const framework = spec.fields.get('backendFramework');
  const written = components.map((component) => {
    const json = toJson(component.written);
    if (json === null || typeof json !== 'object' || Array.isArray(json)) throw new Error('no component');
    return Object.entries(json).filter(([key]) => key !== 'name');
  });
  return {
    name,
    framework: framework ? toJson(framework) : null,
    components: written.map((w) => Object.fromEntries(w)),
  };
}

for (const folder of ['mocker', 'vllm', 'sglang', 'trtllm']) {
  test.each(NAMES)(`launch/${folder}/%s.sh is the graph of the YAML beside it`, async (name) => {
    const path = (extension: string) => resolve(`launch/${folder}/${name}.${extension}`);
    const [{ graph }, recording] = await Promise.all([
      loadGraph({ file: path('yaml'), generation: '1.5' }, Readable.from([])),
      recordScript({ file: path('sh'), args: [], env: {}, room: 'auto' }, AbortSignal.timeout(60_000)),
    ]);
    const read = interpretRecording(recording);
    expect(content(read.graph)).toEqual(content(graph));
    expect(read.diagnostics.filter(({ severity }) => severity !== 'notice')).toEqual([]);
  });
}
