import type { ProbeHandler } from '../model/probe.ts';
import { probeExec } from './exec.ts';
import { probeHttpGet } from './http-get.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';
import { probeTcpSocket } from './tcp-socket.ts';

/** One try of a probe. Rejects only when `signal` is aborted; everything else is an answer. */
export async function runHandler(
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
      // HTTP/2 is half of what a short command would load, and few probes want it.
      return (await import('./grpc-health.ts')).probeGrpc(handler, target, timeoutMs, signal);
  }
}
