import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addSecrets, readSecrets } from '../../../src/commands/read-secrets.ts';
import { NO_COMPANIONS } from '../../../src/model/graph.ts';
import { fromJson, type MapNode } from '../../../src/model/node.ts';
import { readCompanionValues } from '../../../src/plan/companion-values.ts';

const CANARY = 'canary-5d1e';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamo-secrets-'));
  await writeFile(join(folder, 'keys.env'), `# mine\nexport USER_NAME=me\nTOKEN="${CANARY}"\n`);
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { 'nvcr.io': { auth: CANARY } } }));
  await writeFile(join(folder, 'bare'), CANARY);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const values = readCompanionValues(addSecrets(NO_COMPANIONS, await readSecrets(flags, env)), undefined);
  return Object.fromEntries(
    [...values.secrets].map(([name, entries]) => [
      name,
      Object.fromEntries([...entries].map(([key, { text }]) => [key, text])),
    ]),
  );
}

test('files and variables become Secrets, later ones win key by key', async () => {
  const keys = `keys=${join(folder, 'keys.env')}`;
  expect(await read([keys, 'keys.USER_NAME=WHO', 'hf-token-secret.HF_TOKEN=T'], { WHO: 'you', T: 'hf' })).toEqual({
    keys: { USER_NAME: 'you', TOKEN: CANARY },
    'hf-token-secret': { HF_TOKEN: 'hf' },
  });
  expect(await read(['keys=~/keys.env'], { HOME: folder })).toEqual({ keys: { USER_NAME: 'me', TOKEN: CANARY } });
});

test('the command line wins over the file, and keeps what it does not name', async () => {
  const made = fromJson({ stringData: { a: 'one', b: 'two' } }, { kind: 'flag', flag: 'x' });
  const written: MapNode = made.kind === 'map' ? made : await Promise.reject(new Error('no map'));
  const companions = { ...NO_COMPANIONS, secrets: new Map([['keys', written]]) };
  const merged = addSecrets(companions, await readSecrets(['keys.b=V'], { V: 'three' }));
  expect(
    [...(readCompanionValues(merged, undefined).secrets.get('keys') ?? [])].map(([key, { text }]) => [key, text]),
  ).toEqual([
    ['a', 'one'],
    ['b', 'three'],
  ]);
});

test('docker’s config.json is a pull secret', async () => {
  const secrets = await readSecrets([`regcred=${join(folder, 'config.json')}`], {});
  expect(secrets.get('regcred')?.type).toBe('kubernetes.io/dockerconfigjson');
  expect([...(secrets.get('regcred')?.entries.keys() ?? [])]).toEqual(['.dockerconfigjson']);
});

test.each([
  [CANARY, 'INVALID_FLAG', 2],
  [`=${CANARY}`, 'INVALID_FLAG', 2],
  ['keys=bare', 'INVALID_FLAG', 2],
  ['keys=/no/such/file', 'FILE_NOT_FOUND', 2],
  ['keys.TOKEN=UNSET', 'SECRET_MISSING', 3],
])('%s is refused, and nothing of its value is said', async (flag, code, exitCode) => {
  const given = flag === 'keys=bare' ? `keys=${join(folder, 'bare')}` : flag;
  const error: unknown = await readSecrets([given], {}).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code, exitCode });
  expect(`${error}${JSON.stringify(error)}`).not.toContain(CANARY);
});
