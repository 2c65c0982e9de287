import { expect, test } from 'vitest';
import { explainFailure, type Failure } from '../../../src/diagnose/explain-failure.ts';
import { RunRecord } from '../../../src/diagnose/run-record.ts';
import type { ReplicaEvidence, RoutingEvidence } from '../../../src/model/evidence.ts';

const NOT_READY: Failure = { code: 'NOT_READY', exitCode: 5, message: 'late', hint: undefined, replica: undefined };
const DIED: Failure = {
  code: 'CONTAINER_DIED',
  exitCode: 4,
  message: 'decode-0 ended',
  hint: undefined,
  replica: 'decode-0',
};

function replica(id: string, fields: Partial<ReplicaEvidence> = {}): ReplicaEvidence {
  return {
    replica: id,
    component: id.replace(/-\d+$/, ''),
    infra: id === 'etcd' || id === 'nats',
    ready: true,
    ended: undefined,
    lastAnswer: undefined,
    probe: 'http :9090/health',
    missing: [],
    lastLines: [],
    ...fields,
  };
}

function explain(failure: Failure, replicas: readonly ReplicaEvidence[], routing?: RoutingEvidence) {
  const record = new RunRecord();
  record.handle({ time: 1000, type: 'replica-stage', replica: 'decode-0', stage: 'started' });
  record.handle({ time: 1500, type: 'replica-stage', replica: 'decode-0', stage: 'started' });
  record.handle({ time: 2000, type: 'container-died', replica: 'decode-0', exitCode: 1, oomKilled: false });
  return explainFailure({
    failure,
    evidence: { replicas, routing },
    project: 'p',
    standing: (id) => record.standing(id),
    died: record.died,
    now: 4000,
  });
}

test('a worker that ends after etcd has ended points to etcd, and is named beside it', () => {
  const ended = replica('decode-0', { ready: false, ended: { exitCode: 0, oomKilled: false, memoryLimited: false } });
  const etcd = replica('etcd', {
    ended: { exitCode: 137, oomKilled: false, memoryLimited: false },
    lastLines: ['bye'],
  });
  expect(explain(DIED, [ended, etcd])).toMatchObject({
    code: 'ETCD_DIED',
    exitCode: 4,
    replica: 'etcd',
    ended: { exitCode: 137, signal: 'SIGKILL' },
    lastLines: ['bye'],
    alsoFailed: ['decode-0'],
  });
});

test.each([
  ['its limit of memory', { exitCode: 137, oomKilled: true }, [], 'OUT_OF_MEMORY'],
  ['a known failure', { exitCode: 1, oomKilled: false }, ["No module named 'vllm'"], 'MODULE_MISSING'],
  ['an exception of its own', { exitCode: 1, oomKilled: false }, ['ValueError: x'], 'CONTAINER_DIED'],
  ['a signal', { exitCode: 139, oomKilled: false }, [], 'CONTAINER_DIED'],
  ['a kill without a limit of memory', { exitCode: 137, oomKilled: false }, [], 'CONTAINER_DIED'],
  ['a kill under a limit of memory', { exitCode: 137, oomKilled: false, memoryLimited: true }, [], 'OUT_OF_MEMORY'],
  ['code 0', { exitCode: 0, oomKilled: false }, [], 'CONTAINER_DIED'],
])('a replica that ended by %s', (_, ended, lastLines, code) => {
  const card = explain(DIED, [
    replica('frontend-0'),
    replica('decode-0', { ready: false, ended: { memoryLimited: false, ...ended }, lastLines }),
  ]);
  expect(card).toMatchObject({ code, exitCode: 4, replica: 'decode-0', stage: 'started', stageMs: 3000 });
  expect(card.cause).toBeDefined();
});

test.each([
  ['HTTP 404', 'PROBE_PATH'],
  ['connection refused', 'NOT_READY'],
  ['HTTP 503', 'NOT_READY'],
])('what is not ready and answers %j', (lastAnswer, code) => {
  expect(explain(NOT_READY, [replica('decode-0', { ready: false, lastAnswer })])).toMatchObject({
    code,
    exitCode: 5,
    lastAnswer,
  });
});

test('when time runs out the lowest rung counts: probes, registration, list, answers', () => {
  const missing = replica('decode-1', { missing: ['decode-1 has no lease'] });
  const routing: RoutingEvidence = { frontend: 'frontend-0', listed: [], lastAnswer: undefined, namespaces: undefined };
  const frontend = replica('frontend-0');
  const codes = [
    explain(NOT_READY, [missing, replica('decode-0', { ready: false })]),
    explain(NOT_READY, [frontend, missing]),
    explain(NOT_READY, [frontend], routing),
    explain(NOT_READY, [frontend], { ...routing, namespaces: { watched: 'a', registered: ['b'] } }),
    explain(NOT_READY, [frontend], { ...routing, listed: ['m'], lastAnswer: 'HTTP 500' }),
    explain(NOT_READY, [replica('frontend-0', { lastLines: ['Error adding model from discovery'] })], routing),
  ];
  expect(codes.map(({ code, replica: id }) => `${code} ${id}`)).toEqual([
    'NOT_READY decode-0',
    'NOT_REGISTERED decode-1',
    'NOT_LISTED frontend-0',
    'NAMESPACE_MISMATCH frontend-0',
    'NOT_SERVING frontend-0',
    'MODEL_NOT_LOADED frontend-0',
  ]);
});

test('a refusal of the engine keeps its code and what it says to do', () => {
  const refused: Failure = {
    code: 'COMMAND_NOT_FOUND',
    exitCode: 4,
    message: 'no python3',
    hint: 'another image',
    replica: 'decode-0',
  };
  expect(explain(refused, [replica('decode-0', { ready: false })])).toMatchObject({
    code: 'COMMAND_NOT_FOUND',
    hint: 'another image',
  });
});
