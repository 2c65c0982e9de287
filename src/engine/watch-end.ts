import type { Clock } from '../model/clock.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Runtime } from '../model/runtime.ts';
import type { ContainerEvents } from './container-events.ts';

/** How a container ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  /** Somebody told the engine to stop or remove it (`dynamo restart`, `docker stop`): it is theirs to start again, as Docker's own policies have it. */
  readonly asked: boolean;
}

/** The engine tells of a stop only when it is done with it, just after the end; who only signalled it (`docker kill`) is never followed by one. */
const STOP_TOLD_WITHIN_MS = 1000;

/** Resolves when the container ends, from the moment of the call on; rejects with the signal. */
export function watchEnd(
  name: string,
  { events, clock }: { readonly events: ContainerEvents; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ContainerEnd> {
  let stopListening = (): void => undefined;
  const ended = new Promise<ContainerEnd>((resolve, reject) => {
    let signalled = false;
    let exitCode: number | undefined;
    stopListening = events.listen(name, (event) => {
      if (event.action === 'kill') signalled = true;
      if (event.action === 'die') {
        exitCode = event.exitCode ?? -1;
        const unasked = { exitCode, asked: false };
        if (!signalled) return resolve(unasked);
        clock.sleep(STOP_TOLD_WITHIN_MS, signal).then(() => resolve(unasked), reject);
      }
      if (exitCode !== undefined && (event.action === 'stop' || event.action === 'destroy'))
        resolve({ exitCode, asked: true });
    });
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return ended.finally(() => stopListening());
}

export interface Restarted {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
}

/** Resolves when somebody has started the container again; REMOVED (exit 4) when it is gone instead. */
export async function untilStartedAgain(
  container: { readonly name: string; readonly replica: string },
  { runtime, events }: Restarted,
  signal: AbortSignal,
): Promise<void> {
  const removed = () =>
    new UserError('REMOVED', `${container.replica} was removed by somebody else`, {
      exitCode: EXIT.startFailed,
      replica: container.replica,
      hint: 'dynamo up brings it back',
    });
  let stopListening = (): void => undefined;
  const told = new Promise<void>((resolve, reject) => {
    stopListening = events.listen(container.name, (event) => {
      if (event.action === 'start') resolve();
      if (event.action === 'destroy') reject(removed());
    });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  told.catch(() => undefined);
  try {
    // It may have happened before anybody listened.
    const now = await runtime.inspect(container.name, signal);
    if (now === undefined) throw removed();
    if (now.status !== 'running') await told;
  } finally {
    stopListening();
  }
}
