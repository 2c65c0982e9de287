import { withDeadline } from '../http/with-deadline.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

/**
 * Exit code 0 is a success, any other a failure, and so is no end in time (pkg/probe/exec/exec.go). What the command said last is the
 * answer. An engine that cannot run it gives no result at all.
 */
export async function probeExec(
  command: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  try {
    const timed = await withDeadline(timeoutMs, signal, (ending) => target.exec(command, ending));
    if (timed.kind === 'timeout') return { ok: false, answer: `no end within ${timeoutMs / 1000} s` };
    const { exitCode, output } = timed.value;
    const said = output.trim().split('\n').at(-1)?.trim().slice(0, 120) ?? '';
    return { ok: exitCode === 0, answer: `exit code ${exitCode}${said === '' ? '' : `: ${said}`}` };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, answer: error instanceof Error ? error.message : String(error), void: true };
  }
}
