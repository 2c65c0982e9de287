import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import type { PullLayer, PullOptions, PullProgress, RegistryLogin } from '../../model/runtime.ts';
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

/** What the engine says of a layer whose bytes are all here. */
const DOWNLOADED = /^(?:Download complete|Pull complete|Verifying Checksum|Extracting|Already exists)$/;
/** What it says of a layer at all; other lines with an id are about the image. */
const OF_LAYER = /^(?:Pulling fs layer|Waiting|Downloading|Retrying in .*)$/;

/** Adds up the layers of a pull; extraction is not counted, it repeats the bytes. */
export class PullMeter {
  readonly #layers = new Map<string, PullLayer>();

  add(event: PullEvent): PullProgress {
    const { id, status = '', progressDetail } = event;
    if (id !== undefined && (DOWNLOADED.test(status) || OF_LAYER.test(status))) {
      const before = this.#layers.get(id);
      const totalBytes = (status === 'Downloading' ? progressDetail?.total : undefined) ?? before?.totalBytes ?? 0;
      const current = (status === 'Downloading' ? progressDetail?.current : undefined) ?? before?.doneBytes ?? 0;
      this.#layers.set(id, { id, status, totalBytes, doneBytes: DOWNLOADED.test(status) ? totalBytes : current });
    }
    const layers = [...this.#layers.values()];
    return {
      doneBytes: layers.reduce((sum, entry) => sum + entry.doneBytes, 0),
      totalBytes: layers.reduce((sum, entry) => sum + entry.totalBytes, 0),
      status,
      layers,
    };
  }
}

/** Troubles on the way to the registry, which may pass; a refusal by the registry does not. */
export function mayPass(text: string): boolean {
  return /timeout|timed out|connection reset|TLS handshake|temporary failure|(?:unexpected )?EOF\b|toomanyrequests|too many requests|\b(?:429|500|502|503|504) |status(?: code)?:? (?:429|5\d\d)|service unavailable|bad gateway/i.test(
    text,
  );
}

/**
 * Pulls through the engine, with each of the given logins and last with the user's own; without any login as anybody. Retried when the
 * way to the registry fails. IMAGE_PULL_FAILED, DISK_FULL (exit 3) tell which logins were tried.
 */
export async function pullImage(
  docker: Docker,
  image: string,
  options: PullOptions & RegistryAuthOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const { registry } = parseImageReference(image);
  const given = (options.logins ?? []).map((login) => toAuth(login, registry));
  const own = await findRegistryAuth(image, options, signal);
  // A kubelet that has pull secrets for a registry does not ask it as anybody either.
  const auths = given.length === 0 || own.credentials ? [...given, own] : given;
  const tried: string[] = [];
  for (const [index, auth] of auths.entries()) {
    tried.push(auth.source);
    try {
      await pullWith(docker, image, auth, options, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const { text, statusCode } = readEngineError(error);
      if (statusCode === undefined) throw toUserError(error, { what: image });
      if (index === auths.length - 1 || DISK_FULL.test(text)) throw pullFailed(image, tried, text, error);
    }
  }
}

function toAuth({ source, username, password, identityToken }: RegistryLogin, serveraddress: string): RegistryAuth {
  if (identityToken) return { source, credentials: { identitytoken: identityToken, serveraddress } };
  return { source, credentials: { username, password, serveraddress } };
}

const DISK_FULL = /no space left/i;
/** The way to the registry, not its answer. */
const UNREACHABLE = /no such host|server misbehaving|network is unreachable|no route to host|connection refused/i;

/** One login, tried again while the trouble is on the way; rejects with what the engine says. */
async function pullWith(
  docker: Docker,
  image: string,
  auth: RegistryAuth,
  options: PullOptions,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await pullOnce(docker, image, auth.credentials, options, signal);
      return;
    } catch (error) {
      const { text, statusCode } = readEngineError(error);
      if (signal.aborted || statusCode === undefined || attempt >= ATTEMPTS || !mayPass(text)) throw error;
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
  }
}

function pullFailed(image: string, tried: readonly string[], text: string, cause: unknown): UserError {
  const full = DISK_FULL.test(text);
  return new UserError(full ? 'DISK_FULL' : 'IMAGE_PULL_FAILED', `${image} cannot be pulled: ${text}`, {
    exitCode: EXIT.preflight,
    hint: full
      ? 'docker system df shows what takes the space'
      : UNREACHABLE.test(text)
        ? 'the engine does not reach the registry: look at its name and at the network, or name another image with --image'
        : `asked with ${tried.join(', then ')}; docker login to the registry, or name another image with --image`,
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
