import { expect, test } from 'vitest';
import { mayPass, PullMeter } from '../../../../src/runtime/docker/pull-image.ts';

test('the bytes of all layers add up, and each is whole once it is downloaded', () => {
  const meter = new PullMeter();
  const downloading = (id: string, current: number, total: number) =>
    meter.add({ id, status: 'Downloading', progressDetail: { current, total } });
  expect(meter.add({ status: 'Pulling from a/b' })).toEqual({
    doneBytes: 0,
    totalBytes: 0,
    status: 'Pulling from a/b',
    layers: [],
  });
  downloading('a', 10, 100);
  expect(downloading('b', 20, 50)).toMatchObject({ doneBytes: 30, totalBytes: 150 });
  expect(meter.add({ id: 'b', status: 'Download complete' })).toMatchObject({ doneBytes: 60, totalBytes: 150 });
  expect(meter.add({ id: 'b', status: 'Extracting', progressDetail: { current: 5, total: 50 } }).doneBytes).toBe(60);
  expect(meter.add({ id: 'c', status: 'Already exists' })).toMatchObject({
    doneBytes: 60,
    totalBytes: 150,
    layers: [
      { id: 'a', status: 'Downloading', doneBytes: 10, totalBytes: 100 },
      { id: 'b', status: 'Extracting', doneBytes: 50, totalBytes: 50 },
      { id: 'c', status: 'Already exists', doneBytes: 0, totalBytes: 0 },
    ],
  });
  expect(meter.add({ id: 'a', status: 'Pull complete' })).toMatchObject({ doneBytes: 150, totalBytes: 150 });
});

test.each([
  ['net/http: TLS handshake timeout', true],
  ['read tcp 10.0.0.1:443: connection reset by peer', true],
  ['received unexpected HTTP status: 503 Service Unavailable', true],
  ['toomanyrequests: You have reached your pull rate limit', true],
  ['unexpected EOF', true],
  ['pull access denied for x, repository does not exist or may require docker login', false],
  ['manifest for x:1 not found: manifest unknown', false],
  ['unauthorized: authentication required', false],
  ['digest sha256:5025035040 is not here', false],
])('"%s" may pass: %s', (text, expected) => {
  expect(mayPass(text)).toBe(expected);
});
