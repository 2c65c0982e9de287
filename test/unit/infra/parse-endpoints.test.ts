import { describe, expect, test } from 'vitest';
import { parseInfraEndpoints } from '../../../src/infra/parse-endpoints.ts';

describe('parseInfraEndpoints', () => {
  test.each([
    ['etcd=http://10.0.0.5:2379,nats=nats://10.0.0.5:4222'],
    ['nats=10.0.0.5, etcd=10.0.0.5'],
    ['etcd=10.0.0.5:2379,nats=nats://10.0.0.5/'],
  ])('%s', (text) => {
    expect(parseInfraEndpoints(text)).toEqual({
      etcd: { url: 'http://10.0.0.5:2379', host: '10.0.0.5', port: 2379 },
      nats: { url: 'nats://10.0.0.5:4222', host: '10.0.0.5', port: 4222 },
    });
  });

  test('takes IPv6 addresses in brackets and names', () => {
    expect(parseInfraEndpoints('etcd=http://[fd00::5]:12379,nats=nats.lab')).toEqual({
      etcd: { url: 'http://[fd00::5]:12379', host: 'fd00::5', port: 12379 },
      nats: { url: 'nats://nats.lab:4222', host: 'nats.lab', port: 4222 },
    });
  });

  test.each([
    '',
    'http://10.0.0.5:2379',
    'etcd=10.0.0.5',
    'etcd=10.0.0.5,nats=',
    'etcd=10.0.0.5,etcd=10.0.0.6,nats=x',
    'etcd=10.0.0.5,nats=x,redis=y',
    'etcd=10.0.0.5:99999,nats=x',
    'etcd=10.0.0.5:0,nats=x',
    'etcd=https://10.0.0.5,nats=x',
    'etcd=10.0.0.5/path,nats=x',
    'etcd=a b,nats=x',
  ])('refuses "%s" and says how to write it', (text) => {
    expect(() => parseInfraEndpoints(text)).toThrow(
      expect.objectContaining({ code: 'INFRA_ENDPOINTS', exitCode: 2, hint: expect.stringMatching(/etcd=http/) }),
    );
  });

  test.each(['localhost', '127.0.0.1', '127.1', '[::1]', '0.0.0.0', 'LOCALHOST'])(
    'refuses %s, which containers cannot reach',
    (host) => {
      expect(() => parseInfraEndpoints(`etcd=http://${host}:2379,nats=10.0.0.5`)).toThrow(
        expect.objectContaining({ code: 'INFRA_ENDPOINT_LOOPBACK', exitCode: 2 }),
      );
      expect(() => parseInfraEndpoints(`etcd=10.0.0.5,nats=${host}`)).toThrow(
        expect.objectContaining({ code: 'INFRA_ENDPOINT_LOOPBACK' }),
      );
    },
  );

  test('a name that only begins like a loopback is not one', () => {
    expect(parseInfraEndpoints('etcd=localhost.lab,nats=127.example').etcd.host).toBe('localhost.lab');
  });

  test.each([
    'etcd=http://me:hunter2@10.0.0.5,nats=x',
    'http://me:hunter2@10.0.0.5',
    'etcd=x,nats=nats://me:hunter2@x',
  ])('a password does not come back in the message (%#)', (text) => {
    expect(() => parseInfraEndpoints(text)).toThrow(
      expect.objectContaining({ code: 'INFRA_ENDPOINTS', message: expect.not.stringContaining('hunter2') }),
    );
  });
});

test('processes of this machine reach its loopback', () => {
  const { etcd, nats } = parseInfraEndpoints('etcd=http://127.0.0.1:2379,nats=nats://localhost:4222', true);
  expect([etcd.host, nats.host]).toEqual(['127.0.0.1', 'localhost']);
});
