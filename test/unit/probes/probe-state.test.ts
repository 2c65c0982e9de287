import { describe, expect, test } from 'vitest';
import { INITIAL_PROBE_STATE, nextProbeState, type TryResult } from '../../../src/probes/probe-state.ts';

const TRIES: Readonly<Record<string, TryResult>> = { S: 'success', F: 'failure', e: 'early-failure' };

/** The results after each try of a row such as `SFF`: S success, F failure, e failure between the declared times. */
function results(row: string, successThreshold: number, failureThreshold: number): string {
  let state = INITIAL_PROBE_STATE;
  return [...row]
    .map((letter) => {
      state = nextProbeState(state, TRIES[letter] ?? 'failure', { successThreshold, failureThreshold });
      return { unknown: '?', success: 'S', failure: 'F' }[state.result];
    })
    .join('');
}

describe('nextProbeState', () => {
  test.each([
    ['S', 1, 3, 'S'],
    ['FFF', 1, 3, '??F'],
    ['FFSFFF', 1, 3, '??SSSF'],
    ['FFFS', 1, 3, '??FS'],
    ['SFFSFFSFFF', 1, 3, 'SSSSSSSSSF'],
    ['SSS', 3, 1, '??S'],
    ['SSFSSS', 3, 2, '?????S'],
    ['FSSFSS', 2, 1, 'FFSFFS'],
    ['F', 1, 1, 'F'],
    ['eeeeee', 1, 1, '??????'],
    ['eeFeFeFS', 1, 3, '??????FS'],
    ['SeSeS', 2, 3, '?????'],
    ['SeSS', 2, 3, '???S'],
  ])('%s with thresholds %d and %d gives %s', (row, successThreshold, failureThreshold, expected) => {
    expect(results(row, successThreshold, failureThreshold)).toBe(expected);
  });
});
