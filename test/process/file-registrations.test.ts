import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import {
  readFileRegistrations,
  removeFileRegistrations,
  watchFileRegistrations,
} from '../../src/infra/file-registrations.ts';

/** As a 1.4.2 worker writes them. */
const INSTANCE = '{"type":"Endpoint","transport":{"tcp":"127.9.0.2:45371/156f911f510ae944/generate"}}';
const MODEL = '{"type":"Model","card_json":{"display_name":"local/tiny","model_type":"Chat | Completions"}}';
const KEY = 'x%2Fbackend%2Fgenerate%2F156f911f510ae944';
const clock = {
  now: () => Date.now(),
  sleep: async (ms: number, signal: AbortSignal) => void (await delay(ms, undefined, { signal })),
};

async function write(folder: string, bucket: string, key: string, text: string): Promise<void> {
  await mkdir(join(folder, bucket), { recursive: true });
  await writeFile(join(folder, bucket, key), text);
}

test('what is registered in files is read, followed through each change, and removed by instance', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-registry-'));
  const over = new AbortController();
  try {
    expect(await readFileRegistrations(join(folder, 'none'))).toEqual([]);
    const seen: string[][] = [];
    for await (const registrations of watchFileRegistrations({ folder, clock }, over.signal)) {
      seen.push(registrations.map(({ kind }) => kind));
      if (seen.length === 1) {
        await write(folder, 'v1/instances', KEY, INSTANCE);
        await write(folder, 'v1/event_channels', KEY, '{}');
      }
      if (seen.length === 2) await write(folder, 'v1/mdc', KEY, MODEL);
      if (seen.length === 3) {
        expect(registrations[0]).toMatchObject({
          namespace: 'x',
          component: 'backend',
          endpoint: 'generate',
          instance: '156f911f510ae944',
          host: '127.9.0.2',
        });
        expect(registrations[1]).toMatchObject({ model: 'local/tiny', types: ['Chat', 'Completions'] });
        await write(folder, 'v1/mdc', 'x%2Fbackend%2Fgenerate%2Fabc', MODEL.replace('tiny', 'other'));
      }
      if (seen.length === 4) await removeFileRegistrations(folder, ['156f911f510ae944', 'gone']);
      if (seen.length === 5) over.abort();
    }
    expect(seen).toEqual([[], ['instance'], ['instance', 'model'], ['instance', 'model', 'model'], ['model']]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
