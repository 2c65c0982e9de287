import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEngine } from '../../../../src/runtime/docker/connect-engine.ts';
import { findRegistryAuth } from '../../../../src/runtime/docker/registry-auth.ts';

const HUB = 'https://index.docker.io/v1/';
const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docker-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function find(
  image: string,
  config: unknown,
  helpers: Readonly<Record<string, (server: string) => string | undefined>> = {},
) {
  await writeFile(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config));
  return findRegistryAuth(
    image,
    {
      env: { DOCKER_CONFIG: folder },
      askHelper: async (helper, server) => {
        const ask = helpers[helper];
        if (!ask) throw new Error('cannot be run');
        return ask(server);
      },
    },
    signal,
  );
}

function encode(text: string): { readonly auth: string } {
  return { auth: Buffer.from(text).toString('base64') };
}

test('auths are found by host, in every form that docker login has written', async () => {
  const expected = { username: 'u', password: 'p:q', serveraddress: 'nvcr.io' };
  for (const key of ['nvcr.io', 'https://nvcr.io', 'https://nvcr.io/v2/'])
    expect((await find('nvcr.io/a/b:1', { auths: { [key]: encode('u:p:q') } })).credentials).toEqual(expected);
  for (const key of [HUB, 'index.docker.io', 'docker.io'])
    expect((await find('a/b', { auths: { [key]: encode('u:p') } })).credentials).toMatchObject({ serveraddress: HUB });
  expect((await find('other.io/a', { auths: { 'nvcr.io': encode('u:p') } })).credentials).toBeUndefined();
});

test('the helper of the registry comes before the store, the store before auths', async () => {
  const answer = (user: string) => () => JSON.stringify({ Username: user, Secret: 's' });
  const config = { credHelpers: { 'nvcr.io': 'one' }, credsStore: 'all', auths: { 'nvcr.io': encode('file:p') } };
  const helpers = { one: answer('one'), all: answer('all') };
  expect(await find('nvcr.io/a', config, helpers)).toMatchObject({
    source: 'docker-credential-one',
    credentials: { username: 'one' },
  });
  expect(await find('ghcr.io/a', config, helpers)).toMatchObject({ credentials: { username: 'all' } });
  expect(await find('nvcr.io/a', config, { one: () => undefined })).toMatchObject({
    credentials: { username: 'file' },
  });
});

test('an identity token is passed as one', async () => {
  const token = { identitytoken: 't', serveraddress: 'nvcr.io' };
  const stored = await find('nvcr.io/a', { auths: { 'nvcr.io': { identitytoken: 't' } } });
  expect(stored.credentials).toEqual(token);
  const helped = await find('nvcr.io/a', { credsStore: 'x' }, { x: () => '{"Username":"<token>","Secret":"t"}' });
  expect(helped.credentials).toEqual(token);
});

test('broken settings are no error, and are told', async () => {
  expect(await find('nvcr.io/a', '{')).toEqual({
    source: 'no credentials (docker config.json cannot be read)',
    credentials: undefined,
  });
  expect((await find('nvcr.io/a', { auths: [] })).credentials).toBeUndefined();
  expect((await find('nvcr.io/a', { credsStore: 'gone' })).source).toBe(
    'no credentials (docker-credential-gone failed)',
  );
  expect((await find('nvcr.io/a', { credsStore: 'x' }, { x: () => 'no json' })).source).toContain('failed');
  expect((await find('nvcr.io/a', { credsStore: 'x' }, { x: () => undefined })).source).toContain('has none');
  await rm(join(folder, 'config.json'));
  expect((await findRegistryAuth('a', { env: { HOME: folder } }, signal)).source).toBe('no credentials');
});

test('the docker context says where the engine is, DOCKER_HOST comes before it', async () => {
  await writeFile(join(folder, 'config.json'), JSON.stringify({ currentContext: 'rootless' }));
  const env = { DOCKER_CONFIG: folder };
  expect(await findEngine(env)).toEqual({ socketPath: '/var/run/docker.sock' });
  const meta = join(folder, 'contexts', 'meta', createHash('sha256').update('rootless').digest('hex'));
  await mkdir(meta, { recursive: true });
  const context = { Name: 'rootless', Endpoints: { docker: { Host: 'unix:///run/user/1000/docker.sock' } } };
  await writeFile(join(meta, 'meta.json'), JSON.stringify(context));
  expect(await findEngine(env)).toEqual({ socketPath: '/run/user/1000/docker.sock' });
  expect(await findEngine({ ...env, DOCKER_HOST: 'unix:///other.sock' })).toEqual({ socketPath: '/other.sock' });
  expect(await findEngine({ ...env, DOCKER_CONTEXT: 'default' })).toEqual({ socketPath: '/var/run/docker.sock' });
});
