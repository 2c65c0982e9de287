import { expect, test } from 'vitest';
import { LABEL } from '../../../../src/model/labels.ts';
import { parseEvent } from '../../../../src/runtime/docker/watch-events.ts';

const LABELS = { [LABEL.project]: 'p', [LABEL.component]: 'decode', [LABEL.replica]: '2', [LABEL.role]: 'main' };

function line(action: string, attributes: Record<string, string> = {}): string {
  return JSON.stringify({
    Type: 'container',
    Action: action,
    time: 1764000000,
    timeNano: 1_764_000_000_125 * 1e6,
    Actor: { ID: 'x', Attributes: { name: 'p-decode-2', ...LABELS, ...attributes } },
  });
}

test('a death is read with its exit code and time', () => {
  expect(parseEvent(line('die', { exitCode: '137' }))).toEqual({
    action: 'die',
    name: 'p-decode-2',
    project: 'p',
    component: 'decode',
    replica: 2,
    exitCode: 137,
    time: 1_764_000_000_125,
  });
});

test('a container that waits for its files has the name that it will get', () => {
  expect(parseEvent(line('create', { name: 'p-decode-2.unfinished' }))?.name).toBe('p-decode-2');
});

test.each([
  ['an action that nobody waits for', line('exec_start: /bin/sh')],
  ['a container that is no part of a graph', line('create', { [LABEL.role]: 'volume' })],
  ['half a line', '{"Action":"die","Actor'],
  ['no object', '3'],
  ['no actor', '{"Action":"die"}'],
])('%s is no event', (_case, text) => {
  expect(parseEvent(text)).toBeUndefined();
});
