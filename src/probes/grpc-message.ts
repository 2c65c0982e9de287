/** The two messages of grpc.health.v1, by hand: a library for them would be larger than the rest of the probes. */

/** grpc.health.v1.HealthCheckResponse.ServingStatus, by its number. */
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
export type ServingStatus = (typeof SERVING_STATUS)[number];

/** Field 1, wire type 2 (a string) and wire type 0 (an enum). */
const SERVICE_TAG = 0x0a;
const STATUS_TAG = 0x08;

function encodeVarint(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...encodeVarint(value >>> 7)];
}

/** HealthCheckRequest {string service = 1} in gRPC's frame: a flag (not compressed), four bytes of length, the message. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([SERVICE_TAG, ...encodeVarint(name.length)]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

interface Varint {
  readonly value: number;
  readonly next: number;
}

function decodeVarint(bytes: Buffer, start: number): Varint | undefined {
  let value = 0;
  for (let at = start, factor = 1; at < bytes.length && at < start + 10; at += 1, factor *= 0x80) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, next: at + 1 };
  }
  return undefined;
}

/** The position behind a field that is of no interest. */
function skipField(bytes: Buffer, tag: number, start: number): number | undefined {
  switch (tag & 7) {
    case 0:
      return decodeVarint(bytes, start)?.next;
    case 1:
      return start + 8;
    case 2: {
      const length = decodeVarint(bytes, start);
      return length && length.next + length.value;
    }
    case 5:
      return start + 4;
    default:
      return undefined;
  }
}

/** HealthCheckResponse {ServingStatus status = 1} out of its frame; undefined when it is no whole, plain frame. */
export function decodeHealthResponse(frame: Buffer): ServingStatus | undefined {
  if (frame.length < 5 || frame[0] !== 0) return undefined;
  const message = frame.subarray(5, 5 + frame.readUInt32BE(1));
  if (message.length !== frame.readUInt32BE(1)) return undefined;
  let status = 0;
  let at: number | undefined = 0;
  while (at !== undefined && at < message.length) {
    const tag = decodeVarint(message, at);
    if (!tag) return undefined;
    if (tag.value === STATUS_TAG) status = decodeVarint(message, tag.next)?.value ?? 0;
    at = skipField(message, tag.value, tag.next);
  }
  return at === undefined ? undefined : (SERVING_STATUS[status] ?? 'UNKNOWN');
}
