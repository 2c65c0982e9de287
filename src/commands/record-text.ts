import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Recording } from '../script/recording.ts';
import type { Io } from './io.ts';
import { recordInRoom } from './record-in-room.ts';

/**
 * What a script that stands in no file would start; `name` is what it is called.
 * It runs in an empty folder, and launches there are told as launches of the working directory. Rejects as the recording of a file does.
 */
export async function recordText(text: string, name: string, io: Io): Promise<Recording> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-script-'));
  try {
    const file = join(folder, name);
    await writeFile(file, text);
    const recording = await recordInRoom({ file, args: [], env: {}, trusted: false }, io);
    const launches = recording.launches.map((launch) =>
      launch.cwd === folder ? { ...launch, cwd: process.cwd() } : launch,
    );
    return { ...recording, launches };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
