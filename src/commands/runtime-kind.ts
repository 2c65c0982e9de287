import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../model/diagnostic.ts';
import type { Io } from './io.ts';

export type RuntimeKind = 'docker' | 'process';

/** `--runtime`, else DYNAMO_RUNTIME, else Docker. */
export function runtimeKind(flag: string | undefined, io: Io): RuntimeKind {
  const given = flag ?? (io.env.DYNAMO_RUNTIME || 'docker');
  if (given === 'docker' || given === 'process') return given;
  throw new UserError('INVALID_FLAG', `there is no runtime "${given}"`, {
    hint: 'use docker or process',
  });
}

/** Where projects of the process runtime are: below the user's state (XDG Base Directory). */
export function processRoot(io: Io): string {
  const state = io.env.XDG_STATE_HOME || join(io.env.HOME || homedir(), '.local', 'state');
  return join(state, 'dynamo', 'processes');
}
