import { EXIT, UserError } from '../model/diagnostic.ts';
import { namespaceFlag } from './get-graph.ts';
import type { Kubectl } from './kubectl.ts';

export interface ForwardTarget {
  /** `agg-frontend-6c7f` */
  readonly pod: string;
  readonly port: number;
  readonly namespace: string | undefined;
}

/** A way to a port of a pod, through the user's kubectl and the API server. */
export interface PortForward {
  /** `http://127.0.0.1:41833`; the same for its whole life. */
  readonly url: string;
  /** How often it was lost so far. */
  readonly drops: number;
  /** Resolves at once while it stands, else when it stands again; rejects with PORT_FORWARD_LOST (exit 3) when it does not. */
  readonly standing: () => Promise<void>;
}

const FORWARDED = /^Forwarding from 127\.0\.0\.1:(\d+) ->/;
/** The first port is free by the kernel's choice; after a drop it is asked for by number. */
const ANY = '';
/** Milliseconds. */
const OPEN_MS = 15_000;
/** A way that is lost again is no way. */
const MOST_DROPS = 1;

/**
 * Opens a way on a free local port, until `signal` is aborted; lost, it is opened once more on the same port. Rejects with
 * PORT_FORWARD_LOST (exit 3), also when nothing opens within `openMs`.
 */
export async function openPortForward(
  kubectl: Kubectl,
  target: ForwardTarget,
  signal: AbortSignal,
  openMs = OPEN_MS,
): Promise<PortForward> {
  let drops = 0;
  let standing: Promise<void> = Promise.resolve();
  const open = async (local: string): Promise<string> => {
    const late = new AbortController();
    const process = await kubectl.start(
      [
        'port-forward',
        `pod/${target.pod}`,
        `${local}:${target.port}`,
        '--address=127.0.0.1',
        ...namespaceFlag(target.namespace),
      ],
      AbortSignal.any([signal, late.signal]),
    );
    // One that opens nothing would otherwise go on for ever.
    const timer = setTimeout(() => late.abort(), openMs);
    const opened = firstPort(process.lines).finally(() => clearTimeout(timer));
    const port = await Promise.race([opened, process.ended.then(() => undefined)]);
    if (port === undefined) {
      const stderr = await process.ended.catch(() => '');
      throw lost(target, late.signal.aborted ? `nothing opened within ${openMs / 1000} s\n${stderr}` : stderr);
    }
    process.ended.then(
      (stderr) => {
        if (signal.aborted) return;
        drops += 1;
        standing = drops > MOST_DROPS ? Promise.reject(lost(target, stderr)) : open(port).then(() => undefined);
        standing.catch(() => undefined);
      },
      () => undefined,
    );
    return port;
  };
  const port = await open(ANY);
  return {
    url: `http://127.0.0.1:${port}`,
    get drops() {
      return drops;
    },
    standing: () => standing,
  };
}

/** The rest of the lines is read too: a full pipe would stop the program. */
async function firstPort(lines: AsyncIterable<string>): Promise<string | undefined> {
  const iterator = lines[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await iterator.next();
    if (done) return undefined;
    const port = FORWARDED.exec(value)?.[1];
    if (port === undefined) continue;
    void (async () => {
      while (!(await iterator.next()).done);
    })().catch(() => undefined);
    return port;
  }
}

function lost({ pod, port }: ForwardTarget, stderr: string): UserError {
  return new UserError('PORT_FORWARD_LOST', `the way to port ${port} of ${pod} does not hold`, {
    exitCode: EXIT.preflight,
    hint: 'see whether the pod runs, and whether you may forward ports: kubectl auth can-i create pods/portforward',
    ...(stderr.trim() === '' ? {} : { details: stderr.trim() }),
  });
}
