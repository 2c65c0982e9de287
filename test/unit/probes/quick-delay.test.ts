import { expect, test } from 'vitest';
import type { Probe } from '../../../src/model/probe.ts';
import { quickDelay } from '../../../src/probes/quick-delay.ts';

const probe = (handler: Probe['handler']): Probe => ({
  handler,
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
});
const tcp = probe({ kind: 'tcpSocket', port: 1 });
const exec = probe({ kind: 'exec', command: [] });

test.each([
  [0, 50, 500],
  [5000, 50, 500],
  [10_000, 100, 500],
  [60_000, 600, 1200],
  [100_000, 1000, 2000],
  [7_200_000, 1000, 2000],
])('after %d ms the next try comes in %d ms, that of a command in %d ms', (sinceMs, quick, command) => {
  expect(quickDelay(tcp, sinceMs)).toBe(quick);
  expect(quickDelay(exec, sinceMs)).toBe(command);
});
