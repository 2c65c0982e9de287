import type { ProbeHandler } from '../model/probe.ts';
import { probeGrpc } from './grpc-health.ts';
import { probeHttpGet } from './http-get.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';
import { probeTcpSocket } from './tcp-socket.ts';

/** Exit code 0 is a success (pkg/probe/exec/exec.go); what the command said last is the answer. */
async function probeExec(
  command: readonly string[],
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const { exitCode, output } = await target.exec(command, AbortSignal.any([signal, timeout]));
    const said = output.trim().split('\n').at(-1)?.slice(0, 120) ?? '';
    return { ok: exitCode === 0, answer: `exit code ${exitCode}${said === '' ? '' : `: ${said}`}` };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return { ok: false, answer: 'no answer in time' };
    return { ok: false, answer: error instanceof Error ? error.message : String(error) };
  }
}

/** One try of a probe. Rejects only when `signal` is aborted; everything else is an answer. */
export function runHandler(
  handler: ProbeHandler,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  switch (handler.kind) {
    case 'httpGet':
      return probeHttpGet(handler, target, timeoutMs, signal);
    case 'tcpSocket':
      return probeTcpSocket(handler, target, timeoutMs, signal);
    case 'exec':
      return probeExec(handler.command, target, timeoutMs, signal);
    case 'grpc':
      return probeGrpc(handler, target, timeoutMs, signal);
  }
}
