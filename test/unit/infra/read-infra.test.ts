import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../../src/infra/interpolate.ts';
import { readInfra } from '../../../src/infra/read-infra.ts';

const two = (etcd: string) => `services:\n  etcd:\n${etcd}\n  nats: { image: nats }\n`;
const read = (etcd: string, env = {}) => readInfra('infra.yaml', two(etcd), env)[0];

describe('readInfra', () => {
  test('reads the file of this project', () => {
    const file = new URL('../../../compose/infra.yaml', import.meta.url);
    const services = readInfra('infra.yaml', readFileSync(file, 'utf8'), { DYNAMO_ETCD_IMAGE: 'dynamo-etcd:1' });
    expect(services).toMatchObject([
      { service: 'etcd', image: 'dynamo-etcd:1', entrypoint: ['etcd'], graceSeconds: expect.any(Number) },
      {
        service: 'nats',
        image: expect.stringMatching(/^nats:/),
        entrypoint: ['nats-server'],
        graceSeconds: expect.any(Number),
      },
    ]);
  });

  test('fills in what is not written', () => {
    expect(read('    image: etcd')).toEqual({
      service: 'etcd',
      image: 'etcd',
      entrypoint: undefined,
      command: undefined,
      environment: {},
      tmpfs: [],
      graceSeconds: 10,
    });
  });

  test('takes an environment as a map and as a list', () => {
    expect(read('    image: e\n    environment: { A: 1, B: "${X:-y}", C: null }', { C: 'mine' })?.environment).toEqual({
      A: '1',
      B: 'y',
      C: 'mine',
    });
    expect(read('    image: e\n    environment: ["A=1=2", "B", "C"]', { C: 'mine' })?.environment).toEqual({
      A: '1=2',
      C: 'mine',
    });
  });

  test.each([
    ['1m30s', 90],
    ['1500ms', 2],
    ['2h', 7200],
    ['0s', 0],
  ])('a grace period of %s is %d seconds', (text, seconds) => {
    expect(read(`    image: e\n    stop_grace_period: ${text}`)?.graceSeconds).toBe(seconds);
  });

  test('a mount of memory may be written as one string', () => {
    expect(read('    image: e\n    tmpfs: /data:size=64m')?.tmpfs).toEqual(['/data:size=64m']);
  });

  test.each([
    ['broken YAML', 'services: [', /infra\.yaml/],
    ['an empty file', '', /etcd: no image/],
    ['a list', '[]', /etcd: no image/],
    ['a missing service', 'services: { etcd: { image: e } }', /nats: no image/],
    ['an image that is an unset variable', two('    image: ${NOTHING}'), /etcd: no image/],
    ['a variable that must be set', two('    image: ${NOTHING:?name an image}'), /etcd: name an image/],
    ['a field that would be ignored', two('    image: e\n    ports: ["2379"]'), /etcd: ports is not supported/],
    ['a service that nobody uses', 'services: { redis: { image: r } }', /no use for service redis/],
    ['a command in one string', two('    image: e\n    command: etcd --x'), /command is no list/],
    ['a strange duration', two('    image: e\n    stop_grace_period: soon'), /"soon" is no duration/],
  ])('refuses %s', (_, text, message) => {
    expect(() => readInfra('infra.yaml', text, {})).toThrow(
      expect.objectContaining({ code: 'INFRA_FILE', exitCode: 2, message: expect.stringMatching(message) }),
    );
  });
});

describe('interpolate', () => {
  test.each([
    ['$A', 'a'],
    ['${A}', 'a'],
    ['x${A}y', 'xay'],
    ['$$A', '$A'],
    ['${NONE}', ''],
    ['${NONE:-d}', 'd'],
    ['${NONE-d}', 'd'],
    ['${EMPTY:-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${NONE:-${A}-${B:-b}}', 'a-b'],
    ['${A:+set}', 'set'],
    ['${EMPTY:+set}', ''],
    ['${EMPTY+set}', 'set'],
    ['${A:?needed}', 'a'],
    ['registry:5000/etcd:${A}', 'registry:5000/etcd:a'],
    ['costs 5$', 'costs 5$'],
  ])('%s is %j', (text, expected) => {
    expect(interpolate(text, { A: 'a', EMPTY: '' })).toBe(expected);
  });

  test('a needed variable without a value is an error with its own words', () => {
    expect(() => interpolate('${NONE:?say which}', {})).toThrow('say which');
    expect(() => interpolate('${NONE?}', {})).toThrow('NONE is not set');
  });
});
