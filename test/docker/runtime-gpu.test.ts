import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABEL } from '../../src/model/labels.ts';
import { canStartEngine, type GpuEngine, startGpuEngine } from './support/gpu-engine.ts';
import { TEST_IMAGE } from './support/make-container.ts';
import { startTestProject } from './support/test-project.ts';

describe.skipIf(!canStartEngine())('an engine that takes GPU requests', () => {
  let engine: GpuEngine;

  beforeAll(async () => {
    engine = await startGpuEngine();
    await engine.copyImage(TEST_IMAGE);
  });
  afterAll(() => engine?.[Symbol.asyncDispose]());

  test('each replica sees exactly the devices of its ids, in their order', async () => {
    await using project = await startTestProject({ env: engine.env });
    const command = 'echo $NVIDIA_VISIBLE_DEVICES; sleep 60';
    const first = project.container('first', command, {
      gpus: ['GPU-3', 'GPU-0'],
      labels: { [LABEL.gpus]: 'GPU-3,GPU-0' },
    });
    const second = project.container('second', command, { gpus: ['GPU-1'], labels: { [LABEL.gpus]: 'GPU-1' } });
    const none = project.container('none', 'echo "[$NVIDIA_VISIBLE_DEVICES]"');
    await Promise.all([first, second, none].map((entry) => project.run(entry)));
    const firstLine = async (name: string): Promise<string | undefined> => {
      for await (const { line } of project.runtime.logs(name, { follow: true }, project.signal)) return line;
      return undefined;
    };
    expect(await firstLine(first.name)).toBe('GPU-3,GPU-0');
    expect(await firstLine(second.name)).toBe('GPU-1');
    expect(await firstLine(none.name)).toBe('[]');
    const { HostConfig } = await project.docker.getContainer(first.name).inspect();
    expect(HostConfig.DeviceRequests).toMatchObject([
      { Driver: 'nvidia', Count: 0, DeviceIDs: ['GPU-3', 'GPU-0'], Capabilities: [['gpu']] },
    ]);
    expect(await project.runtime.gpuHolds(project.signal)).toEqual(
      expect.arrayContaining([
        { uuid: 'GPU-3', project: project.name, replica: 'first-0' },
        { uuid: 'GPU-0', project: project.name, replica: 'first-0' },
        { uuid: 'GPU-1', project: project.name, replica: 'second-0' },
      ]),
    );
  });
});
