import { connect } from 'node:http2';
import { describeFailure } from '../http/send-request.ts';
import type { ProbeHandler } from '../model/probe.ts';
import type { ProbeAnswer, ProbeTarget } from './probe-answer.ts';

type Grpc = Extract<ProbeHandler, { readonly kind: 'grpc' }>;

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;

/** HealthCheckRequest {string service = 1} in gRPC's length-prefixed frame. Service names are shorter than 128 bytes. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** HealthCheckResponse {ServingStatus status = 1}: one varint, absent when it is 0. */
function decodeStatus(frame: Buffer): (typeof STATUS)[number] {
  const message = frame.subarray(5);
  return STATUS[message[0] === 0x08 ? (message[1] ?? 0) : 0] ?? 'UNKNOWN';
}

/** grpc.health.v1.Health/Check as the kubelet asks it (pkg/probe/grpc/grpc.go), without TLS: SERVING is a success. */
export function probeGrpc(
  handler: Grpc,
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const place = target.resolve(handler.port);
  if (!place) return Promise.resolve({ ok: false, answer: `port ${handler.port} is not reachable` });
  return new Promise((resolve, reject) => {
    const session = connect(`http://${place.host}:${place.port}`);
    const timer = setTimeout(() => end({ ok: false, answer: 'no answer in time' }), timeoutMs);
    const close = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      session.destroy();
    };
    const end = (answer: ProbeAnswer) => {
      close();
      resolve(answer);
    };
    const onAbort = () => {
      close();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    session.once('error', (error) => end({ ok: false, answer: describeFailure(error).text }));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    stream.on('response', (headers) => {
      status = headers['grpc-status'] === undefined ? status : String(headers['grpc-status']);
    });
    stream.on('trailers', (headers) => {
      status = headers['grpc-status'] === undefined ? status : String(headers['grpc-status']);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', (error) => end({ ok: false, answer: describeFailure(error).text }));
    stream.once('end', () => {
      if (status !== undefined && status !== '0') return end({ ok: false, answer: `gRPC status ${status}` });
      const serving = decodeStatus(Buffer.concat(chunks));
      end({ ok: serving === 'SERVING', answer: serving });
    });
    stream.end(encodeRequest(handler.service));
  });
}
