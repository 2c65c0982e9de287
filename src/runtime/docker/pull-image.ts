import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import type { PullOptions, PullProgress } from '../../model/runtime.ts';
import type { Environment } from './connect-engine.ts';
import { isAborted, readEngineError } from './engine-errors.ts';
import { findRegistryAuth } from './registry-auth.ts';

const ATTEMPTS = 3;

interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** Adds up the layers of a pull; extraction is not counted, it repeats the bytes. */
export class PullMeter {
  readonly #layers = new Map<string, { done: number; total: number }>();

  add(event: PullEvent): PullProgress {
    const { id, status = '', progressDetail } = event;
    const total = progressDetail?.total;
    if (id !== undefined && status === 'Downloading' && total !== undefined) {
      this.#layers.set(id, { done: progressDetail?.current ?? 0, total });
    }
    const layer = id === undefined ? undefined : this.#layers.get(id);
    if (layer && /^(Download complete|Pull complete)$/.test(status)) layer.done = layer.total;
    const layers = [...this.#layers.values()];
    return {
      doneBytes: layers.reduce((sum, entry) => sum + entry.done, 0),
      totalBytes: layers.reduce((sum, entry) => sum + entry.total, 0),
      status,
    };
  }
}

/** Errors of the way to the registry, which may pass; a refusal does not. */
function mayPass(text: string): boolean {
  return /timeout|connection reset|TLS handshake|temporary failure|EOF|too many requests|502|503/i.test(text);
}

/** Pulls through the engine with the user's own login; retried when the way to the registry fails. */
export async function pullImage(
  docker: Docker,
  image: string,
  env: Environment,
  options: PullOptions,
  signal: AbortSignal,
): Promise<void> {
  const { source, auth } = await findRegistryAuth(image, env);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const stream = await docker.pull(image, { abortSignal: signal, ...(auth ? { authconfig: auth } : {}) });
      await followPull(docker, stream, options);
      return;
    } catch (error) {
      if (signal.aborted && isAborted(error)) throw signal.reason;
      const { text, statusCode, code } = readEngineError(error);
      if (statusCode === undefined && (code === 'ENOENT' || code === 'ECONNREFUSED')) throw error;
      if (attempt < ATTEMPTS && mayPass(text) && !signal.aborted) continue;
      const full = /no space left/i.test(text);
      throw new UserError(full ? 'DISK_FULL' : 'IMAGE_PULL_FAILED', `${image} could not be pulled: ${text}`, {
        exitCode: EXIT.preflight,
        hint: full
          ? 'docker system df shows what takes the space'
          : `asked with ${source}; name another image with --image, or docker login`,
        cause: error,
      });
    }
  }
}

async function followPull(docker: Docker, stream: NodeJS.ReadableStream, options: PullOptions): Promise<void> {
  const meter = new PullMeter();
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve()),
      (event: PullEvent) => {
        if (event.error !== undefined) reject(Object.assign(new Error(event.error), { statusCode: 500 }));
        else options.onProgress(meter.add(event));
      },
    );
  });
}
