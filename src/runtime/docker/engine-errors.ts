import { setMaxListeners } from 'node:events';
import { EXIT, UserError } from '../../model/diagnostic.ts';

/** What dockerode throws: the engine's HTTP status and its words, or a socket error with a code. */
interface EngineError {
  readonly statusCode: number | undefined;
  readonly code: string | undefined;
  readonly text: string;
}

/** The layers that an engine puts in front of what runc says. */
const RUNC_PREFIX =
  /^(?:failed to create (?:shim )?task(?: for container)?: |OCI runtime create failed: |runc create failed: |unable to start container process: |container_linux\.go:\d+: |starting container process caused: )+/;

export function readEngineError(error: unknown): EngineError {
  if (!(error instanceof Error)) return { statusCode: undefined, code: undefined, text: String(error) };
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const json = 'json' in error && error.json !== null && typeof error.json === 'object' ? error.json : undefined;
  const message = json && 'message' in json && typeof json.message === 'string' ? json.message : error.message;
  return {
    statusCode,
    code,
    text: message
      .trim()
      .replace(RUNC_PREFIX, '')
      .replace(/: unknown$/, ''),
  };
}

export function isNotFound(error: unknown): boolean {
  return readEngineError(error).statusCode === 404;
}
export function isConflict(error: unknown): boolean {
  return readEngineError(error).statusCode === 409;
}
/** The engine's "nothing to do": start of a running, stop of a stopped container. */
export function isNotModified(error: unknown): boolean {
  return readEngineError(error).statusCode === 304;
}

interface Rule {
  readonly matches: RegExp;
  readonly code: string;
  readonly exitCode: typeof EXIT.usage | typeof EXIT.preflight | typeof EXIT.startFailed;
  readonly hint: string;
}

const TOOLKIT_HINT =
  'install nvidia-container-toolkit, run nvidia-ctk runtime configure --runtime=docker, and restart Docker';

/** The engine's refusals that a user can act on, by its words; first match counts. */
const RULES: readonly Rule[] = [
  {
    matches: /port is already allocated|address already in use|failed to bind (?:host )?port|ports are not available/i,
    code: 'PORT_TAKEN',
    exitCode: EXIT.preflight,
    hint: 'choose another port with --port N, or --port 0 for a free one',
  },
  {
    matches: /unknown device id|device error: .*unknown device|unresolvable CDI devices/i,
    code: 'GPU_REFUSED',
    exitCode: EXIT.preflight,
    hint: 'the driver of this machine has no such GPU: dynamo gpus lists what it has',
  },
  {
    matches:
      /could not select device driver|nvidia-container-cli|nvidia-container-runtime|unknown or invalid runtime name: nvidia|CDI device injection failed|libnvidia-container/i,
    code: 'GPU_REFUSED',
    exitCode: EXIT.preflight,
    hint: TOOLKIT_HINT,
  },
  {
    matches: /no space left on device|disk quota exceeded/i,
    code: 'DISK_FULL',
    exitCode: EXIT.preflight,
    hint: 'docker system df shows what takes the space',
  },
  {
    matches: /No such image/i,
    code: 'IMAGE_NOT_FOUND',
    exitCode: EXIT.preflight,
    hint: 'pull or build it, or name another with --image',
  },
  {
    matches: /invalid reference format/i,
    code: 'IMAGE_INVALID',
    exitCode: EXIT.usage,
    hint: 'an image reference reads REGISTRY/NAME:TAG, in lower case up to the tag',
  },
  {
    matches: /non-overlapping IPv4 address pool|all predefined address pools have been fully subnetted/i,
    code: 'NETWORKS_EXHAUSTED',
    exitCode: EXIT.preflight,
    hint: 'docker network prune removes networks that nothing uses',
  },
  {
    matches: /bind source path does not exist/i,
    code: 'HOST_PATH_MISSING',
    exitCode: EXIT.preflight,
    hint: 'make the directory, or change hostPath in the file',
  },
  {
    // `exec: "X": …` is runc's way to say that it could not start X; other missing files (mounts) are not the command's fault.
    matches: /executable file not found|exec: ".*": .*(?:no such file or directory|permission denied|is a directory)/i,
    code: 'COMMAND_NOT_FOUND',
    exitCode: EXIT.startFailed,
    hint: 'the image does not have the command of the file: is it the right image?',
  },
];

const UNREACHABLE = new Set(['ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM', 'ENOTSOCK', 'ENOTFOUND', 'EHOSTUNREACH']);
const LOST = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);

function unreachable(code: string, cause: unknown): UserError {
  const denied = code === 'EACCES' || code === 'EPERM';
  return new UserError('ENGINE_UNREACHABLE', `no Docker Engine answers (${code})`, {
    exitCode: EXIT.preflight,
    hint: denied
      ? 'you may not use the socket: add yourself to the group docker, or use sudo'
      : 'start Docker, or point DOCKER_HOST at its socket',
    cause,
  });
}

/** What was asked of the engine. `otherwise` is the code (exit 4) of a refusal that no rule knows. */
export interface EngineCall {
  readonly what: string;
  readonly signal: AbortSignal;
  readonly otherwise?: string;
}

/** A UserError for an engine error, in the engine's own words; the error itself when it is none of the engine's. */
export function toUserError(error: unknown, call: Pick<EngineCall, 'what' | 'otherwise'>): unknown {
  if (error instanceof UserError) return error;
  const { statusCode, code, text } = readEngineError(error);
  if (statusCode === undefined) {
    if (code !== undefined && UNREACHABLE.has(code)) return unreachable(code, error);
    if (code === undefined || !LOST.has(code)) return error;
    return new UserError('ENGINE_UNREACHABLE', `the connection to the Docker Engine was lost (${code})`, {
      exitCode: EXIT.preflight,
      hint: 'see whether Docker still runs: docker info',
      cause: error,
    });
  }
  const rule = RULES.find((entry) => entry.matches.test(text));
  const message = `${call.what}: ${text}`;
  if (rule) return new UserError(rule.code, message, { exitCode: rule.exitCode, hint: rule.hint, cause: error });
  return new UserError(call.otherwise ?? 'ENGINE_REFUSED', message, { exitCode: EXIT.startFailed, cause: error });
}

/**
 * Runs one call to the engine: an abort rejects with the signal's reason (dockerode says AbortError, or ECONNRESET on streams), a
 * refusal with what a user can act on.
 */
export async function callEngine<T>(call: EngineCall, run: () => Promise<T>): Promise<T> {
  call.signal.throwIfAborted();
  // Every request under way listens to the signal; more than ten at once are no leak, and a warning would land on the user's terminal.
  setMaxListeners(0, call.signal);
  try {
    return await run();
  } catch (error) {
    call.signal.throwIfAborted();
    throw toUserError(error, call);
  }
}

/** Succeeds also when what the call wanted is so already. */
export async function tolerate(run: Promise<unknown>, ...tolerated: ((error: unknown) => boolean)[]): Promise<void> {
  try {
    await run;
  } catch (error) {
    if (!tolerated.some((isFine) => isFine(error))) throw error;
  }
}
