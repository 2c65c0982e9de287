import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode } from '../../../src/model/node.ts';
import type { ResolvedComponent } from '../../../src/model/resolved-graph.ts';
import { readCompanionValues } from '../../../src/plan/companion-values.ts';
import { collectPullLogins } from '../../../src/plan/pull-logins.ts';
import { desiredContainer, desiredReplica } from './builders.ts';

const ORIGIN = { kind: 'file', at: { file: 'g.yaml', line: 3, col: 5 } } as const;

function node(json: Json): MapNode {
  const made = fromJson(json, ORIGIN);
  if (made.kind !== 'map') throw new Error('no map');
  return made;
}

function auth(login: string): { readonly auth: string } {
  return { auth: Buffer.from(login).toString('base64') };
}

function companions(secrets: Readonly<Record<string, Json>>) {
  const nodes = Object.entries(secrets).map(
    ([name, auths]) => [name, node({ stringData: { '.dockerconfigjson': JSON.stringify({ auths }) } })] as const,
  );
  return readCompanionValues({ secrets: new Map(nodes), configMaps: new Map(), claims: new Map() }, undefined);
}

function component(pullSecrets: readonly string[], discovers = true): ResolvedComponent {
  return {
    name: 'a',
    type: '',
    subType: undefined,
    deploymentName: 'g-a',
    replicas: 1,
    runtimeVersionOverride: undefined,
    nodeCount: 1,
    podTemplate: node({ spec: { imagePullSecrets: pullSecrets.map((name) => ({ name })) } }),
    discoversPullSecrets: discovers,
    services: [],
    origin: ORIGIN,
  };
}

/** `source user:password` of each login, in order. */
function logins(image: string, secrets: Readonly<Record<string, Json>>, given = component([])) {
  const replica = desiredReplica('a-0', [desiredContainer('p-a-0', { image })]);
  const { logins: found, notices } = collectPullLogins([given], [replica], companions(secrets));
  return {
    found: (found.get(image) ?? []).map(({ source, username, password }) => `${source} ${username}:${password}`),
    codes: notices.map(({ code }) => code),
  };
}

test.each([
  ['nvcr.io/nvidia/x:1', 'nvcr.io', true],
  ['nvcr.io/nvidia/x:1', 'https://nvcr.io/v2/', true],
  ['nvcr.io/nvidia/x:1', 'nvcr.io/nvidia', true],
  ['nvcr.io/nvidia/x:1', 'nvcr.io/other', false],
  ['nvcr.io/nvidia/x:1', '*.io', true],
  ['a.b.azurecr.io/x', '*.azurecr.io', false],
  ['127.0.0.1:5000/x', '127.0.0.1', false],
  ['127.0.0.1:5000/x', '127.0.0.1:5000', true],
  ['team/x:1', 'https://index.docker.io/v1/', true],
  ['x', 'docker.io', true],
  ['ghcr.io/x', 'https://index.docker.io/v1/', false],
])('the image %s is asked for with a login of %s: %s', (image, key, expected) => {
  expect(logins(image, { mine: { [key]: auth('me:pw') } }).found).toEqual(
    expected ? [`Secret mine (${key}) me:pw`] : [],
  );
});

test('the most particular login comes first; a password may hold colons; what is no login is none', () => {
  const auths = { 'nvcr.io': auth('me:a:b'), 'nvcr.io/team': auth('team:x'), 'nvcr.io/te': {}, other: 'x' };
  expect(logins('nvcr.io/team/x:1', { mine: auths }).found).toEqual([
    'Secret mine (nvcr.io/team) team:x',
    'Secret mine (nvcr.io) me:a:b',
  ]);
});

test('where discovery is off only the list counts, and a name that nobody gave is said', () => {
  const secrets = { one: { 'nvcr.io': auth('a:1') }, two: { 'nvcr.io': auth('b:2') } };
  expect(logins('nvcr.io/x', secrets, component([], false))).toEqual({ found: [], codes: [] });
  expect(logins('nvcr.io/x', secrets, component(['two', 'none'], false))).toEqual({
    found: ['Secret two (nvcr.io) b:2'],
    codes: ['PULL_SECRET_MISSING'],
  });
});
