import { expect, test } from 'vitest';
import { composeText } from '../../../src/convert/compose-text.ts';
import { toCompose } from '../../../src/convert/to-compose.ts';
import { toJson } from '../../../src/model/node.ts';
import { desiredContainer, desiredReplica, desiredState } from '../plan/builders.ts';

const origin = { kind: 'flag', flag: '-' } as const;
const CHECKS = { etcd: { test: ['CMD', 'etcdctl'] }, nats: { test: ['CMD', 'wget'] } };
const probe = (port: number) => ({
  handler: { kind: 'tcpSocket', port } as const,
  initialDelaySeconds: 0,
  periodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
});

function services(...replicas: Parameters<typeof desiredState>[0]) {
  const { document, diagnostics } = toCompose(desiredState(replicas), CHECKS);
  const { services: found } = JSON.parse(JSON.stringify(toJson(document)));
  return { services: found, diagnostics };
}

test('a secret is a variable wherever it was put, and dollars are dollars', () => {
  const container = desiredContainer('p-w-0', {
    env: [{ name: 'KEY', value: 's3cret', secret: true, origin }],
    args: ['--key=s3cret', 'cost $5'],
  });
  expect(['--key=s3cret$', 'cost $5'].map(composeText(container))).toEqual([
    '--key=${KEY:?KEY is a secret: set it}$$',
    'cost $$5',
  ]);
  const { services: found, diagnostics } = services(desiredReplica('w-0', [container]));
  expect(JSON.stringify(found)).not.toContain('s3cret');
  expect(found['w-0'].environment.KEY).toBe('${KEY:?KEY is a secret: set it}');
  expect(diagnostics.map(({ message }) => message)).toEqual([expect.stringContaining('KEY')]);
});

test('a /dev/shm that containers share is that of the service which holds it', () => {
  const { services: found } = services(
    desiredReplica('w-0', [
      desiredContainer('p-w-0-sandbox', { role: 'sandbox', shmBytes: 64, ipcMode: 'shareable' }),
      desiredContainer('p-w-0', { ipcMode: 'container:p-w-0-sandbox' }),
    ]),
  );
  expect(found['w-0-sandbox']).toMatchObject({ ipc: 'shareable', shm_size: 64 });
  expect(found['w-0'].ipc).toBe('service:w-0-sandbox');
});

test('GPUs by id, ports, limits and the order of a pod', () => {
  const pod = desiredReplica('w-0', [
    desiredContainer('p-w-0-sandbox', { role: 'sandbox' }),
    desiredContainer('p-w-0-fetch', { role: 'init', network: { kind: 'container', name: 'p-w-0-sandbox' } }),
    desiredContainer('p-w-0-proxy', {
      role: 'sidecar',
      holdsBack: true,
      probes: { startup: probe(1) },
      network: { kind: 'container', name: 'p-w-0-sandbox' },
    }),
    desiredContainer('p-w-0', {
      gpus: ['0', '1'],
      memoryBytes: 1024,
      cpus: 2,
      shmBytes: 64,
      publish: [{ containerPort: 8000, hostAddress: '127.0.0.1', hostPort: 0 }],
      probes: { readiness: probe(2) },
      network: { kind: 'container', name: 'p-w-0-sandbox' },
    }),
  ]);
  const { services: found } = services(pod);
  expect(found['w-0']).toMatchObject({
    network_mode: 'service:w-0-sandbox',
    mem_limit: 1024,
    cpus: 2,
    shm_size: 64,
    deploy: { resources: { reservations: { devices: [{ device_ids: ['0', '1'], capabilities: ['gpu'] }] } } },
    depends_on: {
      etcd: { condition: 'service_healthy' },
      nats: { condition: 'service_healthy' },
      'w-0-sandbox': { condition: 'service_started' },
      'w-0-fetch': { condition: 'service_completed_successfully' },
      'w-0-proxy': { condition: 'service_healthy' },
    },
  });
  expect(found['w-0'].ports).toBeUndefined();
  expect(found['w-0-fetch'].restart).toBeUndefined();
  expect(found['w-0-sandbox'].depends_on).toBeUndefined();
  expect(found.etcd.healthcheck).toEqual(CHECKS.etcd);
});

test('who starts after another waits until that one is healthy', () => {
  const first = desiredReplica('a-0', [desiredContainer('p-a-0', { probes: { readiness: probe(1) } })]);
  const second = desiredReplica('b-0', [desiredContainer('p-b-0')], { startAfter: ['a'] });
  expect(services(first, second).services['b-0'].depends_on['a-0']).toEqual({ condition: 'service_healthy' });
});

test('the start order is kept whatever the case of the names', () => {
  const { services: found } = services(
    desiredReplica('VllmPrefillWorker-0', [desiredContainer('p-vllmprefillworker-0')]),
    { ...desiredReplica('decode-0', [desiredContainer('p-decode-0')]), startAfter: ['VllmPrefillWorker'] },
  );
  expect(Object.keys(found['decode-0'].depends_on)).toContain('vllmprefillworker-0');
});
