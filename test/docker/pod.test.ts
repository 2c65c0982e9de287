import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { cli } from '../support/spawn-cli.ts';
import { docker, type TestProject, testProject } from '../support/test-project.ts';

const CANARY = 'canary-7f3a9c';

const GRAPH = `apiVersion: v1
kind: ConfigMap
metadata: {name: engine-config}
data:
  engine.yaml: |
    batch: 8
  mode: fast
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
      sharedMemorySize: "0"
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          volumes:
            - {name: config, configMap: {name: engine-config}}
            - {name: cache, persistentVolumeClaim: {claimName: model-cache}}
            - {name: shared, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
            - {name: fast, emptyDir: {medium: Memory, sizeLimit: 24Mi}}
          initContainers:
            - name: prepare
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "echo from init > /shared/prepared"]
              volumeMounts: [{name: shared, mountPath: /shared}]
            - name: proxy
              restartPolicy: Always
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "trap 'exit 0' TERM; cd /shared; sleep 1; python3 -m http.server 8200 & wait"]
              volumeMounts: [{name: shared, mountPath: /shared}]
              startupProbe: {httpGet: {port: 8200, path: /}, periodSeconds: 1, failureThreshold: 30}
            - name: fetch
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "curl -sf http://127.0.0.1:8200/prepared > /shared/fetched"]
              volumeMounts: [{name: shared, mountPath: /shared}]
          containers:
            - name: main
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c]
              args: ["trap 'exit 0' TERM; echo mode=$(MODE) ip=$POD_IP; cat /shared/prepared; touch /cache/mine; python3 -m http.server 8123 & wait"]
              env:
                - {name: MODE, valueFrom: {configMapKeyRef: {name: engine-config, key: mode}}}
                - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
              envFrom: [{secretRef: {name: keys}}]
              volumeMounts:
                - {name: config, mountPath: /config}
                - {name: cache, mountPath: /cache}
                - {name: shared, mountPath: /shared}
                - {name: fast, mountPath: /dev/shm}
              readinessProbe: {httpGet: {port: 8123, path: /}}
            - name: watcher
              image: dynamo-cpu:1.4.2
              command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
              volumeMounts: [{name: shared, mountPath: /watched}, {name: fast, mountPath: /dev/shm}]
`;

/** Everything that shows a graph. */
const SHOWING = [['render', '--local'], ['render', '--cluster'], ['explain'], ['validate']];

/** An up whose main container dies with the Secret in its environment: events and card. */
async function failWith(project: TestProject) {
  const broken = GRAPH.replace(/args: \[.*\]/, 'args: ["exit 3"]');
  const failed = await cli([
    'up',
    '-d',
    await project.write('broken.yaml', broken),
    '-p',
    `${project.name}-y`,
    '--progress',
    'json',
  ]);
  expect(failed.exitCode).toBe(4);
  expect((await cli(['down', '-v', '-p', `${project.name}-y`])).exitCode).toBe(0);
  return failed;
}

test('a pod of several containers shares network and volumes; ConfigMaps, Secrets, claims and its own address are there', async () => {
  await using project = await testProject('pod');
  const file = await project.write('pod.yaml', GRAPH);
  const up = await cli(['up', '-d', file, '-p', project.name, '--wait-timeout', '60', '--progress', 'json']);
  expect(up.exitCode).toBe(0);
  const exec = async (container: string, script: string) => {
    const made = await docker
      .getContainer(container)
      .exec({ Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true });
    const stream = await made.start({ hijack: true });
    const out = new PassThrough();
    docker.modem.demuxStream(stream, out, out);
    stream.on('end', () => out.end());
    let text = '';
    for await (const chunk of out) text += chunk.toString();
    return text.trim();
  };
  const main = `${project.name}-engine-0`;
  expect(
    await exec(
      main,
      'cat /config/engine.yaml; cat /shared/prepared; ls -n /cache | tail -1 | cut -d" " -f3; echo $API_KEY',
    ),
  ).toBe(`batch: 8\nfrom init\n1000\n${CANARY}`);
  // The native sidecar went on running, and what came after it waited until its startup probe passed.
  expect(await exec(`${main}-proxy`, 'cat /shared/fetched')).toBe('from init');
  expect(
    await exec(main, 'grep " /shared " /proc/mounts | cut -d" " -f1; df -k --output=size /shared | tail -1'),
  ).toMatch(/^tmpfs\n *16384$/);
  expect(
    await exec(
      `${main}-watcher`,
      'cat /watched/prepared; curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:8123/',
    ),
  ).toBe('from init\n200');
  const sandbox = await docker.getContainer(`${main}-sandbox`).inspect();
  const address = Object.values(sandbox.NetworkSettings.Networks)[0]?.IPAddress;
  expect((await cli(['logs', '-p', project.name, 'engine'])).stdout).toContain(`mode=fast ip=${address}`);

  // One /dev/shm for the containers that mount it, of its size.
  await exec(main, 'echo block > /dev/shm/kv');
  expect(await exec(`${main}-watcher`, 'cat /dev/shm/kv; df -k --output=size /dev/shm | tail -1')).toMatch(
    /^block\n *24576$/,
  );
  expect(await exec(`${main}-proxy`, 'ls /dev/shm')).toBe('');

  // The network and the volumes outlive a restart of the main container.
  expect((await cli(['restart', '-p', project.name, 'engine', '--progress', 'quiet'])).exitCode).toBe(0);
  expect(await exec(main, 'cat /shared/prepared /dev/shm/kv')).toBe('from init\nblock');
  const ask = 'for port in 8123 8200; do curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:$port/; done';
  expect(await exec(`${main}-watcher`, ask)).toBe('200200');

  // No secret in anything that is shown or kept in labels.
  const plan = await cli(['plan', file, '-p', `${project.name}-x`, '--format', 'json']);
  const labels = await docker.listContainers({ all: true, filters: { label: [`dynamo.project=${project.name}`] } });
  const shown = [
    up,
    plan,
    ...(await Promise.all(SHOWING.map((words) => cli([...words, file])))),
    await failWith(project),
  ];
  for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toContain(CANARY);
  expect(JSON.stringify(labels)).not.toContain(CANARY);

  expect((await cli(['down', '-p', project.name])).exitCode).toBe(0);
  expect(await project.leftovers()).toEqual([`${project.name}_model-cache`]);
  expect((await cli(['down', '-v', '-p', project.name])).exitCode).toBe(0);
  expect(await project.leftovers()).toEqual([]);
});

test('variables of --env-file reach the component and are never shown', async () => {
  await using project = await testProject('envfile');
  const env = await project.write('tokens.env', `TOKEN=${CANARY}\n`);
  const file = await project.write(
    'one.yaml',
    `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: one}
spec:
  components:
    - name: job
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - {name: main, image: dynamo-cpu:1.4.2, command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]}
`,
  );
  const up = await cli(['up', '-d', file, '-p', project.name, '--env-file', env, '--progress', 'json']);
  expect(up.exitCode).toBe(0);
  expect((await cli(['exec', '-p', project.name, 'job', '--', 'printenv', 'TOKEN'])).stdout.trim()).toBe(CANARY);
  expect(up.stderr).not.toContain(CANARY);
});
