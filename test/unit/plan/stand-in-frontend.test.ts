import { expect, test } from 'vitest';
import { betaText, containerIn, envIn, layOut } from './lay-out.ts';

const EPP =
  '{name: Epp, type: epp, eppConfig: {config: {plugins: []}}, podTemplate: {spec: {containers: [{name: main, image: "epp:1.0.0"}]}}}';
const WORKER = `{name: decode, type: decode, frontendSidecar: web, podTemplate: {spec: {containers: [{name: main, image: "x:1.0.0", command: [python3, -m, dynamo.vllm], args: [--model, m]}, {name: web, image: "y:1.0.0", args: [-m, dynamo.frontend, --router-mode, direct]}]}}}`;

test('a graph behind an endpoint picker gets one frontend that routes by the KV cache', () => {
  const built = layOut(betaText(EPP, WORKER));
  expect(built.replicas.map(({ id }) => id)).toEqual(['epp-0', 'decode-0']);
  const frontend = containerIn(built, 'Epp');
  expect(frontend).toMatchObject({
    image: 'y:1.0.0',
    entrypoint: ['python3'],
    args: ['-m', 'dynamo.frontend', '--router-mode', 'kv'],
    publish: [{ containerPort: 8000, hostPort: 8000 }],
    network: { kind: 'bridge', aliases: expect.arrayContaining(['g-frontend']) },
  });
  expect(envIn(frontend)).toMatchObject({ DYN_DISCOVERY_BACKEND: 'etcd', ETCD_ENDPOINTS: 'http://etcd:2379' });
  expect(built.desired.replicas.map(({ containers }) => containers.length)).toEqual([1, 1]);
  const codes = built.diagnostics.map(({ code }) => code);
  expect(codes).toContain('ENDPOINT_PICKER');
  expect(codes).not.toContain('CLUSTER_ONLY');
});

test('beside a frontend of its own the picker is left out', () => {
  const own = '{name: Frontend, type: frontend, podTemplate: {spec: {containers: [{name: main, image: "y:1.0.0"}]}}}';
  const built = layOut(betaText(EPP, WORKER, own));
  expect(built.replicas.map(({ id }) => id)).toEqual(['decode-0', 'frontend-0']);
  expect(built.diagnostics.map(({ code }) => code)).toContain('CLUSTER_ONLY');
});
