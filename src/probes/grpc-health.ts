import { connect, type IncomingHttpHeaders } from 'node:http2';
import { describeFailure, TIMED_OUT } from '../http/describe-failure.ts';
import { withDeadline } from '../http/with-deadline.ts';
import type { ProbeHandler } from '../model/probe.ts';
import { decodeHealthResponse, encodeHealthRequest } from './grpc-message.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type Grpc = Extract<ProbeHandler, { readonly kind: 'grpc' }>;

/** gRPC status codes that a health check may well give, in words. */
const STATUS_WORDS: Readonly<Record<string, string>> = {
  '4': 'no answer in time',
  '5': 'it knows no such service',
  '12': 'it has no health service',
  '14': 'unavailable',
};

/** grpc.health.v1.Health/Check as the kubelet asks it (pkg/probe/grpc/grpc.go), without TLS: SERVING is a success. */
export async function probeGrpc(
  handler: Grpc,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const place = target.resolve(handler.port);
  if (!place) return { ok: false, answer: `port ${handler.port} is not reachable` };
  const host = place.host.includes(':') ? `[${place.host}]` : place.host;
  try {
    const timed = await withDeadline(timeoutMs, signal, (ending) =>
      check(`http://${host}:${place.port}`, handler.service, timeoutMs, ending),
    );
    return timed.kind === 'done' ? timed.value : { ok: false, answer: TIMED_OUT.text };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, answer: describeFailure(error).text };
  }
}

function check(authority: string, service: string, timeoutMs: number, signal: AbortSignal): Promise<ProbeAnswer> {
  const session = connect(authority);
  return new Promise<ProbeAnswer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    session.on('error', reject);
    // A server that closes the connection in the middle says nothing else.
    const closed = () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    session.once('close', closed);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/dynamo',
      'grpc-timeout': `${timeoutMs}m`,
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let httpStatus: number | undefined;
    let status: string | undefined;
    const readStatus = (headers: IncomingHttpHeaders) => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
    };
    stream.on('response', (headers) => {
      httpStatus = headers[':status'];
      readStatus(headers);
    });
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A connection that fails cancels its streams first: the cause tells more.
    stream.on('error', (error) => reject(error.cause ?? error));
    stream.once('end', () => {
      if (httpStatus === undefined) closed();
      else resolve(readAnswer(httpStatus, status, Buffer.concat(chunks)));
    });
    stream.end(encodeHealthRequest(service));
  }).finally(() => session.destroy());
}

function readAnswer(httpStatus: number, status: string | undefined, frame: Buffer): ProbeAnswer {
  if (httpStatus !== 200) return { ok: false, answer: `HTTP ${httpStatus}, no gRPC` };
  if (status !== '0') {
    return { ok: false, answer: `gRPC status ${status ?? 'missing'}: ${STATUS_WORDS[status ?? ''] ?? 'failed'}` };
  }
  const serving = decodeHealthResponse(frame);
  return { ok: serving === 'SERVING', answer: serving ?? 'no health response' };
}
