import { connect } from 'node:net';
import { describeFailure } from '../http/send-request.ts';
import type { ProbeHandler } from '../model/probe.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type TcpSocket = Extract<ProbeHandler, { readonly kind: 'tcpSocket' }>;

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
export function tryConnect(
  place: { readonly host: string; readonly port: number },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: place.host, port: place.port, timeout: timeoutMs });
    const end = (answer: ProbeAnswer) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(answer);
    };
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => end({ ok: true, answer: 'connected' }));
    socket.once('timeout', () => end({ ok: false, answer: 'no answer in time' }));
    socket.once('error', (error) => end({ ok: false, answer: describeFailure(error).text }));
  });
}
