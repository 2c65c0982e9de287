import type { Clock } from '../model/clock.ts';
import type { Runtime } from '../model/runtime.ts';

/** Exit code of what the kernel killed. */
const SIGKILL_EXIT = 137;
/** containerd tells of the memory apart from the end, and later under load; this long is asked for it. */
const OOM_TOLD_WITHIN_MS = 3000;
const ASK_EVERY_MS = 100;

/** Whether the container ended because its memory was used up, as the engine knows once it has heard of it, which now and then it never does. */
export async function readOomKilled(
  name: string,
  exitCode: number,
  { runtime, clock }: { readonly runtime: Runtime; readonly clock: Clock },
  signal: AbortSignal,
): Promise<boolean> {
  const askUntil = clock.now() + OOM_TOLD_WITHIN_MS;
  for (;;) {
    const container = await runtime.inspect(name, signal).catch(() => undefined);
    if (container === undefined) return false;
    if (container.oomKilled) return true;
    if (exitCode !== SIGKILL_EXIT || !container.memoryLimited || clock.now() >= askUntil) return false;
    await clock.sleep(ASK_EVERY_MS, signal);
  }
}
