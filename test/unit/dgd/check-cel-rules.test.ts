import { describe, expect, test } from 'vitest';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import { alpha, beta, decode, problemsOf } from './decode.ts';

const component = (...lines: string[]): string =>
  beta().replace('type: worker', ['type: worker', ...lines].join('\n      '));
const pod = (...lines: string[]): string => [beta(), ...lines.map((line) => `          ${line}`)].join('\n');

describe('what only a cluster refuses', () => {
  const cases: readonly (readonly [code: string, generation: OperatorGeneration, text: string, place: string])[] = [
    ['CLAIM_INCOMPLETE', '0.6', `${alpha()}\n  pvcs: [{name: a, create: true}]`, '8:10'],
    ['SHARED_MEMORY', '1.1', alpha('sharedMemory: {disabled: true, size: 1Gi}'), '8:21'],
    ['SHARED_MEMORY', '1.5', alpha('sharedMemory: {disabled: false}'), '8:21'],
    ['RESTART_ON_CREATE', '1.5', `${beta()}\n  restart: {id: a}`, '13:12'],
    ['MIN_AVAILABLE', '1.5', alpha('replicas: 1', 'minAvailable: 2'), '9:21'],
    ['EPP_CONFIG', '1.5', component('eppConfig: {configMapRef: {name: a, key: b}}'), '8:18'],
    ['CONTAINER_IMAGE', '1.5', beta().replace('- name: main', '- name: side\n            - name: main'), '11:15'],
    ['CONTAINER_IMAGE', '1.5', pod('initContainers: [{name: first}]'), '13:28'],
  ];

  test.each(cases)('%s is a notice with operator %s, and strict an error', (code, generation, text, place) => {
    expect(problemsOf(text, { generation })).toEqual([`notice ${code} ${place}`]);
    expect(problemsOf(text, { generation, strict: true })).toEqual([`error ${code} ${place}`]);
  });

  test('depends on the generation', () => {
    const text = alpha('sharedMemory: {disabled: true, size: 1Gi}');
    expect(problemsOf(text, { generation: '1.5' })).toEqual([]);
    expect(problemsOf(`${alpha()}\n  pvcs: [{name: a, create: true}]`, { generation: '0.4' })).toEqual([
      'warning UNKNOWN_FIELD 8:3',
    ]);
  });

  test('is said in the words of the API server, with the place', () => {
    expect(decode(alpha('minAvailable: 3', 'replicas: 2')).diagnostics).toMatchObject([
      {
        message:
          'spec.services[decode]: Invalid value: "object": minAvailable must be less than or equal to replicas unless replicas is 0',
        hint: 'operator 1.5 would refuse it',
      },
    ]);
  });

  test('is not said of what keeps the rules', () => {
    expect(problemsOf(alpha('replicas: 0', 'minAvailable: 1'))).toEqual([]);
    expect(problemsOf(alpha('sharedMemory: {size: 1Gi}'))).toEqual([]);
    expect(
      problemsOf(`${alpha()}\n  pvcs: [{name: a, create: true, size: 1Gi, storageClass: s, volumeAccessMode: m}]`),
    ).toEqual([]);
    expect(problemsOf(pod('initContainers: [{name: first, image: x}]'))).toEqual([]);
  });
});

test('a second epp is one too many', () => {
  const epp = (name: string): string =>
    `    - {name: ${name}, type: epp, eppConfig: {configMapRef: {name: a, key: b}}, podTemplate: {spec: {containers: [{name: main, image: x}]}}}`;
  expect(problemsOf([beta(), epp('a'), epp('b')].join('\n'), { strict: true })).toEqual(['error EPP_TWICE 14:7']);
});
