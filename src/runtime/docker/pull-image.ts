import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import type { PullOptions, PullProgress } from '../../model/runtime.ts';
import { readEngineError, toUserError } from './engine-errors.ts';
import { parseImageReference } from './image-reference.ts';
import { findRegistryAuth, type RegistryAuth, type RegistryAuthOptions } from './registry-auth.ts';

const ATTEMPTS = 4;
/** Doubles with each attempt. */
const FIRST_PAUSE_MS = 500;

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
    if (layer && /^(Download complete|Pull complete|Verifying Checksum|Extracting)$/.test(status))
      layer.done = layer.total;
    const layers = [...this.#layers.values()];
    return {
      doneBytes: layers.reduce((sum, entry) => sum + entry.done, 0),
      totalBytes: layers.reduce((sum, entry) => sum + entry.total, 0),
      status,
    };
  }
}

/** Troubles on the way to the registry, which may pass; a refusal by the registry does not. */
export function mayPass(text: string): boolean {
  return /timeout|timed out|connection reset|TLS handshake|temporary failure|(?:unexpected )?EOF\b|toomanyrequests|too many requests|\b(?:429|500|502|503|504) |status(?: code)?:? (?:429|5\d\d)|service unavailable|bad gateway/i.test(
    text,
  );
}

/** Pulls through the engine with the user's own login; retried when the way to the registry fails. IMAGE_PULL_FAILED, DISK_FULL (exit 3). */
export async function pullImage(
  docker: Docker,
  image: string,
  options: PullOptions & RegistryAuthOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  parseImageReference(image);
  const found = await findRegistryAuth(image, options, signal);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pullOnce(docker, image, found.credentials, options, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const { text, statusCode } = readEngineError(error);
      if (statusCode === undefined) throw toUserError(error, { what: image });
      if (attempt >= ATTEMPTS || !mayPass(text)) throw pullFailed(image, found, text, error);
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

function pullFailed(image: string, { source }: RegistryAuth, text: string, cause: unknown): UserError {
  const full = /no space left/i.test(text);
  return new UserError(full ? 'DISK_FULL' : 'IMAGE_PULL_FAILED', `${image} cannot be pulled: ${text}`, {
    exitCode: EXIT.preflight,
    hint: full
      ? 'docker system df shows what takes the space'
      : `asked with ${source}; docker login to the registry, or name another image with --image`,
    cause,
  });
}

async function pullOnce(
  docker: Docker,
  image: string,
  credentials: RegistryAuth['credentials'],
  options: PullOptions,
  signal: AbortSignal,
): Promise<void> {
  const stream = await docker.pull(image, {
    abortSignal: signal,
    ...(credentials ? { authconfig: credentials } : {}),
  });
  const meter = new PullMeter();
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error) => (error ? reject(error) : resolve()),
      (event: PullEvent) => {
        // The status of the answer is 200 by the time a layer fails: such errors come in the stream.
        if (event.error !== undefined) reject(Object.assign(new Error(event.error), { statusCode: 500 }));
        else options.onProgress(meter.add(event));
      },
    );
  });
}
