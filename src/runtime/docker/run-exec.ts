import type Docker from 'dockerode';
import type { ExecResult } from '../../model/runtime.ts';
import { callEngine } from './engine-errors.ts';
import { FrameSplitter } from './log-lines.ts';
import { waitExecEnd } from './wait-exec-end.ts';

/** The kubelet keeps this many bytes of a probe's answer (pkg/probe/exec maxReadLength). */
const MAX_OUTPUT = 10 * 1024;

/** One command inside, stdout and stderr in one text: exec probes. An abort stops the waiting, the command goes on (the engine cannot kill it). */
export function runExec(
  docker: Docker,
  name: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<ExecResult> {
  return callEngine({ what: `exec in ${name}`, signal }, async () => {
    const exec = await docker
      .getContainer(name)
      .exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, abortSignal: signal });
    const stream = await exec.start({ hijack: true, stdin: false, abortSignal: signal });
    const onAbort = () => stream.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    const frames = new FrameSplitter();
    const kept: Buffer[] = [];
    let length = 0;
    try {
      signal.throwIfAborted();
      for await (const chunk of stream) {
        for (const { payload } of frames.push(chunk)) {
          const part = payload.subarray(0, MAX_OUTPUT - length);
          length += part.length;
          kept.push(part);
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      stream.destroy();
    }
    signal.throwIfAborted();
    const exitCode = await waitExecEnd(exec, signal);
    return { exitCode, output: Buffer.concat(kept).toString('utf8') };
  });
}
