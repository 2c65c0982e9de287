import { UserError } from '../model/diagnostic.ts';
import type { Recording, RoomChoice } from '../script/recording.ts';
import type { Io } from './io.ts';

export interface ScriptToRecord {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `--trust-script`: no room at all. */
  readonly trusted: boolean;
}

/** Records a launch script in the room that flags and environment choose. Throws a UserError as the recording does. */
export async function recordInRoom({ file, args, env, trusted }: ScriptToRecord, io: Io): Promise<Recording> {
  const { recordScript } = await import('../script/record-script.ts');
  return recordScript(
    {
      file,
      args,
      env,
      room: trusted ? 'trusted' : chooseRoom(io),
      runInContainer: async (container, signal) => {
        const { createContainerRoom } = await import('../runtime/docker/run-locked-container.ts');
        return createContainerRoom(io.env, io.env.DYNAMO_SCRIPT_IMAGE || undefined)(container, signal);
      },
    },
    io.interrupted,
  );
}

/** DYNAMO_SCRIPT_ROOM, for machines where the first room that works is not the one that should be used. */
function chooseRoom(io: Io): RoomChoice {
  const room = io.env.DYNAMO_SCRIPT_ROOM;
  if (room === undefined || room === '') return 'auto';
  if (room === 'namespace' || room === 'container') return room;
  throw new UserError('INVALID_FLAG', `DYNAMO_SCRIPT_ROOM is "${room}"`, {
    hint: 'set it to namespace or container, or unset it',
  });
}
