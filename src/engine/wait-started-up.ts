import { EXIT, UserError } from '../model/diagnostic.ts';
import { type LifeOptions, watchLife } from './container-monitor.ts';
import type { MonitoredContainer } from './monitored-replica.ts';

/**
 * Resolves when the container's startup probe passes. Throws INIT_FAILED (exit 4) when it ends instead, NOT_READY (exit 5) when the
 * probe fails for good.
 */
export async function waitStartedUp(
  replica: string,
  container: MonitoredContainer,
  options: Pick<LifeOptions, 'runtime' | 'events' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  let resolveStarted: () => void = () => undefined;
  const started = new Promise<undefined>((resolve) => {
    resolveStarted = () => resolve(undefined);
  });
  const life = watchLife(
    container,
    { ...options, onReady: (ready) => ready && resolveStarted(), onAnswer: () => undefined, onLife: () => undefined },
    AbortSignal.any([signal, over.signal]),
  );
  life.catch(() => undefined);
  try {
    const end = await Promise.race([started, life]);
    if (end === undefined) return;
    if (end.kind === 'probe-failed') {
      const message = `${replica}: the startup probe of ${container.name} failed: ${end.answer}`;
      throw new UserError('NOT_READY', message, { exitCode: EXIT.notReady, replica });
    }
    const message = `${replica}: its sidecar ${container.name} ended with exit code ${end.exitCode} before it had started up`;
    throw new UserError('INIT_FAILED', message, { exitCode: EXIT.startFailed, replica });
  } finally {
    over.abort();
  }
}
