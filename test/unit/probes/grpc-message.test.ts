import { describe, expect, test } from 'vitest';
import { decodeHealthResponse, encodeHealthRequest } from '../../../src/probes/grpc-message.ts';

const frame = (...message: number[]) => Buffer.from([0, 0, 0, 0, message.length, ...message]);

describe('encodeHealthRequest', () => {
  test('an empty service is an empty message', () => {
    expect([...encodeHealthRequest('')]).toEqual([0, 0, 0, 0, 0]);
  });

  test('a service is field 1', () => {
    expect(encodeHealthRequest('ab')).toEqual(Buffer.from([0, 0, 0, 0, 4, 0x0a, 2, 0x61, 0x62]));
  });

  test('a long name has a length of two bytes', () => {
    const bytes = encodeHealthRequest('x'.repeat(300));
    expect([...bytes.subarray(0, 8)]).toEqual([0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    expect(bytes).toHaveLength(5 + 3 + 300);
  });
});

describe('decodeHealthResponse', () => {
  test.each([
    ['SERVING', frame(0x08, 1)],
    ['NOT_SERVING', frame(0x08, 2)],
    ['SERVICE_UNKNOWN', frame(0x08, 3)],
    ['UNKNOWN', frame()],
    ['UNKNOWN', frame(0x08, 0)],
    ['UNKNOWN', frame(0x08, 9)],
    ['SERVING', frame(0x08, 0x81, 0x00)],
    ['SERVING', frame(0x12, 2, 0xff, 0xff, 0x08, 1)],
    ['SERVING', frame(0x18, 0x96, 0x01, 0x08, 1, 0x25, 1, 2, 3, 4)],
    [undefined, Buffer.alloc(0)],
    [undefined, Buffer.from([0, 0, 0, 0, 9, 0x08, 1])],
    [undefined, Buffer.from([1, 0, 0, 0, 2, 0x08, 1])],
    [undefined, frame(0x0b, 1)],
    [undefined, frame(0x80)],
  ])('%s from %j', (expected, bytes) => {
    expect(decodeHealthResponse(bytes)).toBe(expected);
  });
});
