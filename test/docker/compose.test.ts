import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { findCompose } from '../../bench/find-compose.ts';
import { findFreePort } from '../../src/host/find-port.ts';
import { cli } from '../support/spawn-cli.ts';
import { chat, docker, eventually, example, testProject } from '../support/test-project.ts';

const CANARY = 'canary-91be';

const POD = `apiVersion: v1
kind: ConfigMap
metadata: {name: engine-config}
data: {engine.yaml: "cost: $5"}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {API_KEY: ${CANARY}}
---
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: pod}
spec:
  components:
    - name: engine
      replicas: 1
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          volumes:
            - {name: config, configMap: {name: engine-config}}
            - {name: cache, persistentVolumeClaim: {claimName: model-cache}}
            - {name: shared, emptyDir: {}}
          initContainers:
            - name: prepare
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "echo from init > /shared/prepared"]
              volumeMounts: [{name: shared, mountPath: /shared}]
          containers:
            - name: main
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c]
              args: ["trap 'exit 0' TERM; cat /config/engine.yaml /shared/prepared; touch /cache/mine; test $(KEY) = $$API_KEY && echo same; python3 -m http.server 8123 & wait"]
              env:
                - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: API_KEY}}}
              envFrom: [{secretRef: {name: keys}}]
              volumeMounts:
                - {name: config, mountPath: /config}
                - {name: cache, mountPath: /cache}
                - {name: shared, mountPath: /shared}
              readinessProbe: {httpGet: {port: 8123, path: /}}
            - name: watcher
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
`;

async function compose(file: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const found = await findCompose(() => undefined, AbortSignal.timeout(120_000));
  if ('problem' in found) throw new Error(found.problem);
  const [program = '', ...before] = found.command;
  return execa(program, [...before, '-f', file, ...words], {
    env: { ...found.env, ...env },
    extendEnv: false,
    reject: false,
    all: true,
  });
}

test('a disaggregated graph as a compose file: docker compose brings it up without dynamo, and it answers', async () => {
  await using project = await testProject('compose');
  const port = await findFreePort('127.0.0.1');
  const file = `${await project.write('out.yaml', '')}`;
  const words = [
    'convert',
    example('mocker/disagg_router.yaml'),
    '--to',
    'compose',
    '-p',
    project.name,
    '--port',
    String(port),
  ];
  const written = await cli([...words, '-o', file]);
  expect(written.exitCode).toBe(0);
  expect((await cli(words)).stdout).toBe(await readFile(file, 'utf8'));
  try {
    const up = await compose(file, ['up', '-d', '--wait', '--wait-timeout', '120']);
    expect(up.all).not.toMatch(/error|is not set/i);
    expect(up.exitCode).toBe(0);
    expect(await eventually(() => chat(`http://127.0.0.1:${port}`))).not.toBe('');
    // They are nobody's project: dynamo leaves them alone.
    expect((await cli(['ls'])).stdout).not.toContain(project.name);
  } finally {
    expect((await compose(file, ['down', '-v', '-t', '5'])).exitCode).toBe(0);
  }
});

test('a pod of several containers as a compose file: files, volumes, init container and a secret of the caller', async () => {
  await using project = await testProject('composepod');
  const source = await project.write('pod.yaml', POD);
  const file = await project.write('out.yaml', '');
  const written = await cli(['convert', source, '--to', 'compose', '-p', project.name, '-o', file]);
  expect(written.exitCode).toBe(0);
  expect(written.stderr).toContain('SECRETS_OF_CALLER');
  expect(written.stderr + (await readFile(file, 'utf8'))).not.toContain(CANARY);
  const secrets = { API_KEY: CANARY, KEY: CANARY };
  const missing = await compose(file, ['config', '-q']);
  expect([missing.exitCode === 0, missing.all]).toEqual([false, expect.stringContaining('is a secret: set it')]);
  try {
    const up = await compose(file, ['up', '-d', '--wait', '--wait-timeout', '60'], secrets);
    expect(up.exitCode).toBe(0);
    const logs = await compose(file, ['logs', '--no-color', 'engine-0'], secrets);
    for (const line of ['cost: $5', 'from init', 'same']) expect(logs.stdout).toContain(line);
    const owner = await docker.getContainer(`${project.name}-engine-0-1`).inspect();
    expect(owner.State.Health?.Status).toBe('healthy');
  } finally {
    expect((await compose(file, ['down', '-v', '-t', '1'], secrets)).exitCode).toBe(0);
  }
});
