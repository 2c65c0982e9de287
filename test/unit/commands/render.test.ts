import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runCli } from '../../support/run-cli.ts';
import { beta } from '../dgd/decode.ts';

const LATEST = `${beta().replace('x:1.0.0', 'x:latest')}\n`;

test('render --cluster writes a Deployment with its pod template and a Service; refusals are warnings', async () => {
  const { exitCode, stdout, stderr } = await runCli(['render', '-', '--cluster'], { stdin: LATEST });
  expect(exitCode).toBe(0);
  expect(stderr).toContain('warning REQUIRED: spec.components[0].runtimeVersionOverride');
  const documents = [...parseAllDocuments(stdout)].map((document) => document.toJS());
  expect(documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'Deployment g-decode-HASH',
    'Service g-decode-HASH',
  ]);
  expect(documents[0].spec).toMatchObject({
    selector: { matchLabels: { 'nvidia.com/selector': 'g-decode-HASH' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { spec: { containers: [{ name: 'main', image: 'x:latest' }] } },
  });
});

test('explain names the place, the default or the deviation of a value, and what was meant', async () => {
  const stdin = `${beta('env: [{name: A, value: b}]')}\n`;
  const explain = async (path: string) =>
    JSON.parse((await runCli(['explain', '-', path, '--format', 'json'], { stdin })).stdout);
  expect(await explain('decode.env.A')).toMatchObject([{ value: 'b', origin: { kind: 'file', at: { line: 13 } } }]);
  expect(await explain('decode.env.DYN_SYSTEM_PORT')).toMatchObject([
    { value: '9090', origin: { kind: 'operator', generation: '1.5' } },
  ]);
  expect(await explain('decode.env.DYN_DISCOVERY_BACKEND')).toMatchObject([
    { value: 'etcd', origin: { kind: 'local', deviation: 'discovery-backend' }, cluster: { value: 'kubernetes' } },
  ]);
  expect(await explain('decode.livenessProbe.httpGet.path')).toEqual(await explain('decode.probes.liveness.path'));
  const wrong = await runCli(['explain', '-', 'decode.env.DYN_SYSTEM_PROT'], { stdin });
  expect([wrong.exitCode, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('did you mean "decode.env.DYN_SYSTEM_PORT"?'),
  ]);
});

test('explain names what a variable is read from, never its value, and the shared memory', async () => {
  const env = `envFrom: [{secretRef: {name: s}, prefix: P_}]
              env:
                - {name: T, valueFrom: {secretKeyRef: {name: s, key: token}}}
                - {name: C, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}`;
  const stdin = `${beta(env)}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {token: canary4711}
`;
  const explain = async (path: string) => (await runCli(['explain', '-', path], { stdin })).stdout;
  expect(await explain('decode.env.P_token')).toMatch(/^decode\.env\.P_token = \(key token of Secret s\)\n {4}.*:13:/);
  expect(await explain('decode.env.T')).toContain('= (key token of Secret s)');
  expect(await explain('decode.env.C')).toContain('= (limits.cpu of the container)');
  expect(await explain('decode.sharedMemory')).toMatch(/^decode\.sharedMemory = 8Gi\n {4}default of operator 1\.5/);
  const everything = await runCli(['explain', '-'], { stdin });
  expect(everything.stdout + everything.stderr).not.toContain('canary');
});

test('render --cluster drops a field that no operator knows, and takes what is no whole graph: both are warnings', async () => {
  const stdin = `${beta('volumeMount: []')}\n`;
  const unknown = await runCli(['render', '-', '--cluster'], { stdin });
  expect(unknown.exitCode).toBe(0);
  expect(unknown.stderr).toMatch(/:13:15 warning UNKNOWN_FIELD: unknown field ".*volumeMount"/);
  expect(unknown.stdout).toContain('image: x:1.0.0');
  expect(unknown.stdout).not.toMatch(/volumeMount:/);
  const patch = beta().replace('      type: worker\n', '').replace('              image: x:1.0.0', '');
  const partial = await runCli(['render', '-', '--cluster'], { stdin: `${patch}\n` });
  expect(partial.exitCode).toBe(0);
  expect(partial.stderr).toContain('warning KUSTOMIZE_PATCH');
  expect(partial.stdout).toContain('kind: Deployment');
  expect((await runCli(['plan', '-'], { stdin })).exitCode).toBe(2);
});
