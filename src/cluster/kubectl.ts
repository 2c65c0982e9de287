import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Json } from '../model/node.ts';
import { kubectlFailure } from './kubectl-failure.ts';

export interface KubectlOptions {
  /** The caller's whole environment: KUBECONFIG, and what credential plugins need. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly context: string | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** The user's own kubectl; contexts and credentials stay its affair. */
export interface Kubectl {
  /**
   * Runs it and gives what it printed as JSON; null when it printed nothing. `stdin` is how documents go in: never by argv or a
   * file. Rejects with a UserError whose code says what is wrong (kubectl-failure.ts), KUBECTL_MISSING or KUBECTL_TIMEOUT.
   */
  readonly json: (args: readonly string[], stdin?: string) => Promise<Json>;
  /** Whether the question has an answer: kubectl is let print names alone, so that nothing else is read. Rejects as `json` does. */
  readonly name: (args: readonly string[]) => Promise<void>;
  /** The same for one path of the API: `/apis/nvidia.com/v1beta1`. */
  readonly raw: (path: string) => Promise<Json>;
  /** What it printed: the log of a container. */
  readonly text: (args: readonly string[]) => Promise<string>;
  /**
   * Calls back whenever `get` of these would say something new, until `signal` is aborted. It promises nothing: it may end by itself,
   * so callers look now and then as well.
   */
  readonly watch: (args: readonly string[], onChange: () => void, signal: AbortSignal) => void;
  /** Starts it and leaves it running, until `signal` is aborted: port-forward. Rejects with KUBECTL_MISSING. */
  readonly start: (args: readonly string[], signal: AbortSignal) => Promise<KubectlProcess>;
}

/** A kubectl that runs on. */
export interface KubectlProcess {
  /** What it prints on stdout, line by line; ends with it. */
  readonly lines: AsyncIterable<string>;
  /** Resolves when it has ended, with what it wrote on stderr. */
  readonly ended: Promise<string>;
}

/** Milliseconds for one answer: a credential plugin may start a program of its own first. */
const TIMEOUT_MS = 30_000;

/** A client that runs `kubectl` from the PATH of `env` for every question. */
export function createKubectl({ env, context, signal, timeoutMs = TIMEOUT_MS }: KubectlOptions): Kubectl {
  const chosen = context === undefined ? [] : [`--context=${context}`];
  const run = async (args: readonly string[], stdin?: string): Promise<string> => {
    const { execa } = await import('execa');
    const result = await execa('kubectl', [...args, ...chosen], {
      env: { ...env, LC_ALL: 'C' },
      extendEnv: false,
      reject: false,
      ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin }),
      timeout: timeoutMs,
      cancelSignal: signal,
      forceKillAfterDelay: 1000,
      maxBuffer: 64 * 1024 * 1024,
    });
    signal.throwIfAborted();
    if (result.code === 'ENOENT') throw missing();
    if (result.timedOut) throw tooSlow(timeoutMs);
    if (result.failed) throw kubectlFailure(result.stderr);
    return result.stdout;
  };
  const start: Kubectl['start'] = async (args, until) => {
    const { execa } = await import('execa');
    const child = execa('kubectl', [...args, ...chosen], {
      env: { ...env, LC_ALL: 'C' },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      cancelSignal: AbortSignal.any([signal, until]),
      forceKillAfterDelay: 1000,
      buffer: { stdout: false, stderr: true },
    });
    const ended = child.then(({ stderr, code }) => {
      if (code === 'ENOENT') throw missing();
      return stderr;
    });
    ended.catch(() => undefined);
    return { lines: child.iterable(), ended };
  };
  const watch: Kubectl['watch'] = (args, onChange, until) => {
    const follow = async () => {
      const { lines } = await start(['get', ...args, '--watch-only', '--output=name'], until);
      for await (const _ of lines) onChange();
    };
    // Ended or refused: callers look by themselves.
    follow().catch(() => undefined);
  };
  return {
    start,
    watch,
    text: (args) => run(args),
    json: async (args, stdin) => parse(await run([...args, '--output=json'], stdin)),
    name: async (args) => void (await run([...args, '--output=name'])),
    raw: async (path) => parse(await run(['get', '--raw', path])),
  };
}

function missing(): UserError {
  return new UserError('KUBECTL_MISSING', 'kubectl is not on the PATH', {
    exitCode: EXIT.preflight,
    hint: 'install it: https://kubernetes.io/docs/tasks/tools',
  });
}

function tooSlow(timeoutMs: number): UserError {
  return new UserError('KUBECTL_TIMEOUT', `kubectl has not answered within ${timeoutMs / 1000} s`, {
    exitCode: EXIT.preflight,
    hint: 'kubectl cluster-info shows whether the cluster answers',
  });
}

function parse(text: string): Json {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError('KUBECTL_FAILED', 'kubectl printed something that is no JSON', {
      exitCode: EXIT.preflight,
      cause,
    });
  }
}
