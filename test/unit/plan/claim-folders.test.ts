import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode } from '../../../src/model/node.ts';
import { runtimeFacts } from '../../../src/operator/runtime-facts.ts';
import { chooseClaimFolders } from '../../../src/plan/claim-folders.ts';

const ORIGIN = { kind: 'file', at: { file: 'g.yaml', line: 3, col: 5 } } as const;
const CACHE = { path: '/home/me/.cache/huggingface', owner: 1000, open: false };

function pod(component: string, container: { readonly [key: string]: Json }) {
  const json = {
    containers: [{ name: 'main', ...container }],
    volumes: [{ name: 'm', persistentVolumeClaim: { claimName: 'model-cache' } }],
  };
  const spec = fromJson(json, ORIGIN);
  if (spec.kind !== 'map') throw new Error('no map');
  return { component, spec: spec satisfies MapNode, runtime: runtimeFacts('1.4.2') };
}

const HF_HOME = [{ name: 'HF_HOME', value: '/models/' }];
const mounted = (mountPath: string) => ({ volumeMounts: [{ name: 'm', mountPath }] });

test('a claim that is mounted as HF_HOME is the own cache, wherever else it is mounted', () => {
  const pods = [pod('frontend', mounted('/elsewhere')), pod('worker', { env: HF_HOME, ...mounted('/models') })];
  expect(chooseClaimFolders(pods, new Map(), CACHE).folders).toEqual(new Map([['model-cache', CACHE.path]]));
  expect(
    chooseClaimFolders([pod('worker', mounted('/home/dynamo/.cache/huggingface'))], new Map(), CACHE).folders.size,
  ).toBe(1);
  expect(chooseClaimFolders([pod('worker', mounted('/models'))], new Map(), CACHE).folders.size).toBe(0);
  expect(chooseClaimFolders(pods, new Map(), undefined).folders.size).toBe(0);
});

test('the own cache stays out where somebody who mounts it could not write', () => {
  const pods = [pod('worker', { env: HF_HOME, ...mounted('/models') })];
  const barred = chooseClaimFolders(pods, new Map(), { ...CACHE, owner: 0 });
  expect(barred.folders.size).toBe(0);
  expect(barred.diagnostics.map(({ code }) => code)).toEqual(['MODEL_CACHE']);
  const root = [pod('worker', { env: HF_HOME, ...mounted('/models'), securityContext: { runAsUser: 0 } })];
  expect(chooseClaimFolders(root, new Map(), { ...CACHE, owner: 0 }).folders.size).toBe(1);
});

test('--volume wins, says who cannot write, and names a claim of the graph', () => {
  const pods = [pod('worker', mounted('/models'))];
  const folder = { path: '/srv/m', owner: 0, open: false };
  const chosen = chooseClaimFolders(pods, new Map([['model-cache', folder]]), CACHE);
  expect(chosen.folders).toEqual(new Map([['model-cache', '/srv/m']]));
  expect(chosen.diagnostics.map(({ severity, code }) => [severity, code])).toEqual([['notice', 'CLAIM_OWNER']]);
  expect(chooseClaimFolders(pods, new Map([['other', folder]]), CACHE).diagnostics).toMatchObject([
    { severity: 'error', code: 'VOLUME_UNKNOWN', hint: expect.stringContaining('model-cache') },
  ]);
});
