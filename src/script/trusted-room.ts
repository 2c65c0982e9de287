import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../model/diagnostic.ts';
import {
  findProgram,
  type RoomOutput,
  type RoomPaths,
  type RoomPlan,
  writeProgramLinks,
  writeRoomFiles,
} from './make-room.ts';
import { BASE_ENV } from './recording.ts';
import { runProcess } from './run-process.ts';

const GRACE_MS = 2_000;

/** Runs the plan on the machine itself: stand-ins are all that PATH leads to, but nothing keeps the script from absolute paths and redirections. */
export async function runTrusted(directory: string, plan: RoomPlan, signal: AbortSignal): Promise<RoomOutput> {
  const bash = findProgram('bash');
  if (process.platform !== 'linux' || bash === undefined) {
    throw new UserError('ROOM_UNAVAILABLE', 'launch scripts are recorded on Linux', {
      hint: 'run this in a Linux container or WSL2',
    });
  }
  const room = join(directory, 'room');
  for (const path of [room, join(room, 'records'), join(room, 'out'), join(directory, 'home'), join(directory, 'tmp')])
    mkdirSync(path);
  const paths: RoomPaths = {
    room,
    real: findProgram,
    python: undefined,
    confine: [],
    ownProcesses: false,
    userLimit: false,
    driverProcesses: 0,
  };
  const bin = join(room, 'bin');
  const env = { ...plan.env, PATH: bin, HOME: join(directory, 'home'), TMPDIR: join(directory, 'tmp') };
  const overrides = Object.entries(plan.env).filter(([name, value]) => BASE_ENV[name] !== value && name in env);
  writeRoomFiles(room, { ...plan, env: { ...env, ...Object.fromEntries(overrides), PATH: bin } }, paths);
  writeProgramLinks(bin, join(room, 'lib', 'stand-in'), paths, []);
  const result = await runProcess(
    {
      command: bash,
      args: ['--norc', join(room, 'lib', 'driver')],
      env: {},
      timeoutMs: plan.limits.wallMs + GRACE_MS,
      group: true,
    },
    signal,
  );
  return {
    output: result.stdout,
    timedOut: result.timedOut,
    // Names of this run alone become those that the other rooms use, so that recordings are equal.
    renames: [
      [bin, BASE_ENV.PATH ?? ''],
      [join(directory, 'home'), BASE_ENV.HOME ?? ''],
      [join(directory, 'tmp'), '/tmp'],
    ],
  };
}
