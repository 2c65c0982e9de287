import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';

const POLL_MS = 10;

/** Exit code of a command whose streams have ended: the engine closes them a moment before it notes the code. */
export async function waitExecEnd(exec: Docker.Exec, signal: AbortSignal): Promise<number> {
  for (;;) {
    const { ExitCode, Running } = await exec.inspect({ abortSignal: signal });
    if (!Running) return ExitCode ?? -1;
    await sleep(POLL_MS, undefined, { signal });
  }
}
