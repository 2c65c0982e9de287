import { expect, test } from 'vitest';
import { writeDefaultPorts } from '../../../../src/plan/processes/default-ports.ts';
import { listPorts } from '../../../../src/plan/processes/port-settings.ts';
import { desiredContainer, desiredReplica, desiredState } from '../builders.ts';

function portsOf(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const container = desiredContainer('p-w-0', {
    entrypoint: ['python3'],
    args,
    env: Object.entries(env).map(([name, value]) => ({
      name,
      value,
      secret: false,
      origin: { kind: 'flag', flag: '' },
    })),
  });
  const [replica] = writeDefaultPorts(desiredState([desiredReplica('w-0', [container])])).replicas;
  return replica?.containers.flatMap(listPorts);
}

test('ports that vLLM takes by itself are given per replica; what is written stays, and others have none', () => {
  expect(portsOf(['-m', 'dynamo.vllm', '--model', 'm'])).toEqual([5600, 20_080]);
  expect(portsOf(['-m', 'dynamo.vllm'], { VLLM_NIXL_SIDE_CHANNEL_PORT: '20097' })).toEqual([20_097, 20_080]);
  expect(portsOf(['-m', 'dynamo.vllm_processor'])).toEqual([]);
  expect(portsOf(['-m', 'dynamo.mocker'], { NIXL_TELEMETRY_PROMETHEUS_PORT: '19090' })).toEqual([19_090]);
});
