import { describe, expect, test } from 'vitest';
import { UserError } from '../../../../src/model/diagnostic.ts';
import { callEngine, tolerate, toUserError } from '../../../../src/runtime/docker/engine-errors.ts';

function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) - ${message} `), { statusCode, json: { message } });
}

function socketError(code: string): Error {
  return Object.assign(new Error(`connect ${code} /var/run/docker.sock`), { code });
}

const OCI = 'OCI runtime create failed: runc create failed: unable to start container process: ';

describe('toUserError', () => {
  test.each([
    [
      'driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:8000 failed: port is already allocated',
      'PORT_TAKEN',
      3,
    ],
    [
      'driver failed: Error starting userland proxy: listen tcp4 127.0.0.1:80: bind: address already in use',
      'PORT_TAKEN',
      3,
    ],
    ['Ports are not available: exposing port TCP 127.0.0.1:8000 -> 0.0.0.0:0: listen tcp', 'PORT_TAKEN', 3],
    ['could not select device driver "nvidia" with capabilities: [[gpu]]', 'GPU_REFUSED', 3],
    [
      `${OCI}error during container init: error running hook #0: nvidia-container-cli: initialization error: nvml error`,
      'GPU_REFUSED',
      3,
    ],
    ['nvidia-container-cli: device error: GPU-1: unknown device: unknown', 'GPU_REFUSED', 3],
    ['write /var/lib/docker/tmp/x: no space left on device', 'DISK_FULL', 3],
    ['No such image: my-image:1', 'IMAGE_NOT_FOUND', 3],
    ['invalid reference format: repository name must be lowercase', 'IMAGE_INVALID', 2],
    ['could not find an available, non-overlapping IPv4 address pool among the defaults', 'NETWORKS_EXHAUSTED', 3],
    ['invalid mount config for type "bind": bind source path does not exist: /x', 'HOST_PATH_MISSING', 3],
    [
      `failed to create shim task: ${OCI}exec: "python": executable file not found in $PATH: unknown`,
      'COMMAND_NOT_FOUND',
      4,
    ],
    [`${OCI}exec: "/x": stat /x: no such file or directory: unknown`, 'COMMAND_NOT_FOUND', 4],
    [`${OCI}exec: "/etc/passwd": permission denied: unknown`, 'COMMAND_NOT_FOUND', 4],
    [
      `${OCI}error during container init: error mounting "/a" to rootfs at "/b": no such file or directory: unknown`,
      'START_FAILED',
      4,
    ],
    ['network x not found', 'START_FAILED', 4],
  ])('%s', (message, code, exitCode) => {
    expect(toUserError(refusal(500, message), { what: 'worker', otherwise: 'START_FAILED' })).toMatchObject({
      code,
      exitCode,
    });
  });

  test('keeps the words of the engine, without the layers in front of them', () => {
    const text = `failed to create shim task: ${OCI}exec: "python": executable file not found in $PATH: unknown`;
    expect(toUserError(refusal(400, text), { what: 'p-worker-0' })).toMatchObject({
      message: 'p-worker-0: exec: "python": executable file not found in $PATH',
    });
  });

  test.each(['ENOENT', 'ECONNREFUSED', 'EACCES', 'ECONNRESET', 'EPIPE'])('%s is ENGINE_UNREACHABLE', (code) => {
    expect(toUserError(socketError(code), { what: 'x' })).toMatchObject({ code: 'ENGINE_UNREACHABLE', exitCode: 3 });
  });

  test('who may not use the socket is told of the group', () => {
    expect(toUserError(socketError('EACCES'), { what: 'x' })).toMatchObject({
      hint: expect.stringContaining('group docker'),
    });
  });

  test('what is none of the engine stays as it is: it is a bug', () => {
    const bug = new TypeError('x is undefined');
    expect(toUserError(bug, { what: 'x' })).toBe(bug);
    const user = new UserError('PORT_TAKEN', 'taken');
    expect(toUserError(user, { what: 'x' })).toBe(user);
  });
});

describe('callEngine', () => {
  test('rejects with the reason of an aborted signal, whatever the call says', async () => {
    const controller = new AbortController();
    const call = callEngine({ what: 'x', signal: controller.signal }, async () => {
      controller.abort(new Error('enough'));
      throw socketError('ECONNRESET');
    });
    await expect(call).rejects.toThrow('enough');
  });

  test('asks nothing when the signal is aborted already', async () => {
    const call = callEngine({ what: 'x', signal: AbortSignal.abort(new Error('enough')) }, async () =>
      expect.unreachable(),
    );
    await expect(call).rejects.toThrow('enough');
  });
});

test('tolerate lets only the named failures pass', async () => {
  await tolerate(
    Promise.reject(new Error('a')),
    () => false,
    () => true,
  );
  await expect(tolerate(Promise.reject(new Error('a')), () => false)).rejects.toThrow('a');
});
