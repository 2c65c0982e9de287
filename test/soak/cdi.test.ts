import { expect, test } from 'vitest';
import { prepareNewerDocker } from '../../scripts/newer-docker.ts';
import { canStartEngine, startGpuEngine } from '../docker/support/gpu-engine.ts';
import { startServers } from '../docker/support/shared-servers.ts';
import { gpuUuid, installFakeNvidiaSmi } from '../support/fake-nvidia-smi.ts';
import { cli } from '../support/spawn-cli.ts';
import { testProject } from '../support/test-project.ts';

const GRAPH = `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: devices}
spec:
  components:
    - name: engine
      replicas: 2
      podTemplate:
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - name: main
              image: debian:bookworm-slim
              command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
              resources: {limits: {nvidia.com/gpu: "1"}}
`;

test.skipIf(!canStartEngine())('an engine that knows GPUs by CDI alone gives each replica its own', async () => {
  const programs = await prepareNewerDocker((text) => process.stderr.write(`${text}\n`));
  await using engine = await startGpuEngine({ programs, cdi: [gpuUuid(0), gpuUuid(1)] });
  await engine.copyImage('debian:bookworm-slim');
  await using machine = await installFakeNvidiaSmi(2);
  await using files = await testProject('cdi');
  await using servers = await startServers({ jetStream: true });
  const env = { ...engine.env, PATH: `${machine.folder}:${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined };
  const file = await files.write('devices.yaml', GRAPH);
  const flags = ['--infra-endpoints', servers.endpoints, '--progress', 'plain', '--pull', 'never'];
  const up = await cli(['up', '-d', file, '-p', 'devices', ...flags], env);
  expect([up.exitCode, up.stderr]).toEqual([0, expect.stringContaining('engine-1  ready')]);
  for (const index of [0, 1]) {
    const inside = await cli(['exec', '-p', 'devices', `engine-${index}`, '--', 'cat', '/proc/1/environ'], env);
    expect(inside.stdout).toContain(`CDI_GPU=${gpuUuid(index)}`);
  }
  // The ledger reads it back, and an unchanged graph keeps its devices.
  expect((await cli(['gpus'], env)).stdout).toMatch(/^1 .*project devices \(engine-1\)/m);
  expect((await cli(['up', '-d', file, '-p', 'devices', ...flags], env)).stderr).toContain('nothing to do');
  expect((await cli(['down', '-p', 'devices'], env)).exitCode).toBe(0);
});
