import { describe, expect, test } from 'vitest';
import { fromJson, type Json, type MapNode, toJson } from '../../../src/model/node.ts';
import type { Origin } from '../../../src/model/origin.ts';
import { mergeOver } from '../../../src/operator/merge.ts';

const OPERATOR: Origin = { kind: 'operator', generation: '1.1', source: 'a.go:1' };
const FILE: Origin = { kind: 'file', at: { file: 'g.yaml', line: 1, col: 1 } };

function node(json: Json, origin: Origin): MapNode {
  const made = fromJson(json, origin);
  if (made.kind !== 'map') throw new Error('not a map');
  return made;
}

function merge(base: Json, user: Json, dialect: 'v0.3.6' | 'v0.3.16'): Json {
  return toJson(mergeOver(node(base, OPERATOR), node(user, FILE), dialect));
}

const PROBE = { httpGet: { path: '/live', port: 'system' }, periodSeconds: 5, failureThreshold: 1 };

describe.each(['v0.3.6', 'v0.3.16'] as const)('mergo %s', (dialect) => {
  test('a written list replaces the whole list', () => {
    expect(merge({ args: ['a', 'b'] }, { args: ['c'] }, dialect)).toEqual({ args: ['c'] });
  });
  test('an empty list does not blank a default', () => {
    expect(merge({ command: ['sh'] }, { command: [] }, dialect)).toEqual({ command: ['sh'] });
  });
  test('a zero scalar does not count', () => {
    const merged = merge({ workingDir: '/a', stdin: true }, { workingDir: '', stdin: false }, dialect);
    expect(merged).toEqual({ workingDir: '/a', stdin: true });
  });
  test('maps are merged key by key and take empty values', () => {
    const merged = merge({ nodeSelector: { a: '1', b: '2' } }, { nodeSelector: { b: '', c: '3' } }, dialect);
    expect(merged).toEqual({ nodeSelector: { a: '1', b: '', c: '3' } });
  });
  test('structs held by value are merged field by field', () => {
    const merged = merge({ resources: { limits: { cpu: '1' } } }, { resources: { requests: { cpu: '2' } } }, dialect);
    expect(merged).toEqual({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } });
  });
  test('what only the user wrote is taken as it is', () => {
    expect(merge({}, { securityContext: { runAsUser: 0 } }, dialect)).toEqual({ securityContext: { runAsUser: 0 } });
  });
});

describe('what the two versions do differently', () => {
  test('a pointer to a scalar: 0 overrides in v0.3.6 and is ignored in v0.3.16', () => {
    const base = { terminationGracePeriodSeconds: 60 };
    const user = { terminationGracePeriodSeconds: 0 };
    expect(merge(base, user, 'v0.3.6')).toEqual(user);
    expect(merge(base, user, 'v0.3.16')).toEqual(base);
  });
  test('a pointer to a struct: replaced in v0.3.6, entered in v0.3.16', () => {
    const user = { livenessProbe: { exec: { command: ['true'] }, periodSeconds: 7 } };
    expect(merge({ livenessProbe: PROBE }, user, 'v0.3.6')).toEqual(user);
    expect(merge({ livenessProbe: PROBE }, user, 'v0.3.16')).toEqual({
      livenessProbe: { ...PROBE, ...user.livenessProbe },
    });
  });
  test('a numeric port never replaces a named one in v0.3.16', () => {
    const user = { livenessProbe: { httpGet: { path: '/x', port: 8080 } } };
    expect(merge({ livenessProbe: PROBE }, user, 'v0.3.6')).toEqual(user);
    expect(merge({ livenessProbe: PROBE }, user, 'v0.3.16')).toEqual({
      livenessProbe: { ...PROBE, httpGet: { path: '/x', port: 'system' } },
    });
  });
  test('a named port replaces a numeric one', () => {
    const base = { livenessProbe: { httpGet: { port: 8000 } } };
    const user = { livenessProbe: { httpGet: { port: 'http' } } };
    expect(merge(base, user, 'v0.3.16')).toEqual(user);
  });
});

test('each value keeps the origin of the side it came from', () => {
  const merged = mergeOver(
    node({ livenessProbe: PROBE }, OPERATOR),
    node({ livenessProbe: { periodSeconds: 9 } }, FILE),
    'v0.3.16',
  );
  const probe = merged.fields.get('livenessProbe');
  expect(probe?.kind === 'map' && probe.fields.get('periodSeconds')?.origin).toEqual(FILE);
  expect(probe?.kind === 'map' && probe.fields.get('failureThreshold')?.origin).toEqual(OPERATOR);
});
