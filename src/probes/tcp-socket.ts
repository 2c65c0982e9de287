import { connect } from 'node:net';
import { describeFailure, TIMED_OUT } from '../http/describe-failure.ts';
import { withDeadline } from '../http/with-deadline.ts';
import type { ProbeHandler } from '../model/probe.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type TcpSocket = Extract<ProbeHandler, { readonly kind: 'tcpSocket' }>;

interface Place {
  readonly host: string;
  readonly port: number;
}

/** A connection that opens is a success (pkg/probe/tcp/tcp.go). */
export function probeTcpSocket(
  handler: TcpSocket,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const place = handler.host === undefined ? target.resolve(handler.port) : { host: handler.host, port: handler.port };
  if (!place) return Promise.resolve({ ok: false, answer: `port ${handler.port} is not reachable` });
  return tryConnect(place, timeoutMs, signal);
}

/** Opens a TCP connection and closes it. Rejects only when `signal` is aborted. */
export async function tryConnect(place: Place, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer> {
  try {
    const timed = await withDeadline(timeoutMs, signal, (ending) => openAndClose(place, ending));
    return timed.kind === 'done' ? { ok: true, answer: 'connected' } : { ok: false, answer: TIMED_OUT.text };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, answer: describeFailure(error).text };
  }
}

function openAndClose(place: Place, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: place.host, port: place.port });
    signal.addEventListener('abort', () => socket.destroy(new Error('aborted')), { once: true });
    socket.once('connect', () => {
      resolve();
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
