import { EXIT, UserError } from '../../model/diagnostic.ts';

/** What dockerode throws: the engine's HTTP status and its words, or a socket error with a code. */
interface EngineError {
  readonly statusCode: number | undefined;
  readonly code: string | undefined;
  readonly text: string;
}

export function readEngineError(error: unknown): EngineError {
  if (!(error instanceof Error)) return { statusCode: undefined, code: undefined, text: String(error) };
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const json = 'json' in error && error.json !== null && typeof error.json === 'object' ? error.json : undefined;
  const message = json && 'message' in json && typeof json.message === 'string' ? json.message : error.message;
  return { statusCode, code, text: message.trim() };
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
export function isAborted(error: unknown): boolean {
  const { code } = readEngineError(error);
  return (error instanceof Error && error.name === 'AbortError') || code === 'ABORT_ERR' || code === 'ECONNRESET';
}

interface Rule {
  readonly matches: RegExp;
  readonly code: string;
  readonly exitCode: typeof EXIT.preflight | typeof EXIT.startFailed;
  readonly hint: string;
}

/** The engine's refusals that a user can act on, by its words; first match counts. */
const RULES: readonly Rule[] = [
  {
    matches: /port is already allocated|address already in use|failed to bind (?:host )?port/i,
    code: 'PORT_TAKEN',
    exitCode: EXIT.preflight,
    hint: 'choose another port with --port N, or --port 0 for a free one',
  },
  {
    matches:
      /could not select device driver|nvidia-container-cli|unknown or invalid runtime name: nvidia|CDI device injection failed|libnvidia-container/i,
    code: 'GPU_REFUSED',
    exitCode: EXIT.preflight,
    hint: 'install nvidia-container-toolkit, run nvidia-ctk runtime configure --runtime=docker, and restart Docker',
  },
  {
    matches: /no space left on device/i,
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
    matches: /bind source path does not exist/i,
    code: 'HOST_PATH_MISSING',
    exitCode: EXIT.preflight,
    hint: 'make the directory, or change hostPath in the file',
  },
  {
    matches: /executable file not found|no such file or directory: unknown|permission denied: unknown/i,
    code: 'COMMAND_NOT_FOUND',
    exitCode: EXIT.startFailed,
    hint: 'the image does not have the command of the file: is it the right image?',
  },
];

/** A UserError for an engine error, in the engine's own words; the error itself when it is none of the engine's. */
export function toUserError(error: unknown, what: string): unknown {
  if (error instanceof UserError) return error;
  const { statusCode, code, text } = readEngineError(error);
  if (statusCode === undefined) {
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && code !== 'EACCES' && code !== 'EPIPE') return error;
    return new UserError('ENGINE_UNREACHABLE', `no Docker Engine answers (${code})`, {
      exitCode: EXIT.preflight,
      hint:
        code === 'EACCES'
          ? 'you may not use the socket: add yourself to the group docker, or use sudo'
          : 'start Docker, or point DOCKER_HOST at its socket',
      cause: error,
    });
  }
  const rule = RULES.find((entry) => entry.matches.test(text));
  const message = `${what}: ${text}`;
  if (rule) return new UserError(rule.code, message, { exitCode: rule.exitCode, hint: rule.hint, cause: error });
  return new UserError('ENGINE_REFUSED', message, { exitCode: EXIT.startFailed, cause: error });
}

/** Runs one call and turns its failure into what a user can act on. */
export async function asUserError<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toUserError(error, what);
  }
}
