import { UserError } from '../model/diagnostic.ts';
import type { Reach } from '../model/host-inventory.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';

/** How containers are reached, when DYNAMO_REACH forces it; else the engine's own answer. */
function forcedReach(io: Io): Reach | undefined {
  const forced = io.env.DYNAMO_REACH;
  if (forced === undefined || forced === '') return undefined;
  if (forced === 'direct' || forced === 'published') return forced;
  throw new UserError('INVALID_FLAG', `DYNAMO_REACH is "${forced}"`, {
    hint: 'set it to direct or published, or unset it',
  });
}

/** The runtime that every verb works on. The module is loaded here and not at start: `--help` must not pay for it. */
export async function connect(io: Io): Promise<Runtime> {
  const { createDockerRuntime } = await import('../runtime/docker/docker-runtime.ts');
  const reach = forcedReach(io);
  return createDockerRuntime({ env: io.env, ...(reach ? { reach } : {}) });
}
