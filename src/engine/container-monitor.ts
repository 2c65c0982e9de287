import type { Clock } from '../model/clock.ts';
import type { Runtime } from '../model/runtime.ts';
import type { ProbeAnswer } from '../probes/probe-answer.ts';
import { runHandler } from '../probes/run-handler.ts';
import { type ProbeVerdict, watchProbes } from '../probes/watch-probes.ts';
import type { ContainerEvents } from './container-events.ts';
import type { MonitoredContainer } from './monitored-replica.ts';
import { makeProbeTarget } from './probe-target.ts';
import { readOomKilled } from './read-end.ts';
import { watchEnd } from './watch-end.ts';

/** How one life of a container ended. */
export type LifeEnd =
  | { readonly kind: 'exited'; readonly exitCode: number; readonly oomKilled: boolean }
  /** Somebody else told the engine to stop it. */
  | { readonly kind: 'stopped'; readonly exitCode: number }
  | { readonly kind: 'probe-failed'; readonly probe: 'startup' | 'liveness'; readonly answer: string };

export interface LifeOptions {
  readonly runtime: Runtime;
  readonly events: ContainerEvents;
  readonly clock: Clock;
  readonly onReady: (ready: boolean, answer: string) => void;
  readonly onAnswer: (answer: ProbeAnswer) => void;
  /** It runs, at this address; `hurry` makes its probes try at once. */
  readonly onLife: (address: string | undefined, hurry: () => void) => void;
}

/** Watches a started container until it ends or a kubelet would restart it; ends by itself with the signal. */
export async function watchLife(
  container: MonitoredContainer,
  options: LifeOptions,
  signal: AbortSignal,
): Promise<LifeEnd> {
  const { runtime } = options;
  const over = new AbortController();
  const combined = AbortSignal.any([signal, over.signal]);
  const died = watchEnd(container.name, options, combined).then(({ exitCode, asked }) =>
    asked ? { kind: 'stopped' as const, exitCode } : readExit(container.name, exitCode, options, signal),
  );
  died.catch(() => undefined);
  try {
    // It may have ended before anybody listened.
    const [now, network] = await Promise.all([
      runtime.inspect(container.name, signal),
      container.network === container.name ? undefined : runtime.inspect(container.network, signal),
    ]);
    if (now?.status !== 'running') return await readExit(container.name, now?.exitCode ?? -1, options, signal);
    const target = makeProbeTarget(runtime, container.name, network ?? now);
    const failed = new Promise<LifeEnd>((resolve, reject) => {
      const onVerdict = (verdict: ProbeVerdict) => {
        if (verdict.kind === 'ready') options.onReady(true, '');
        if (verdict.kind === 'unready') options.onReady(false, verdict.answer);
        if (verdict.kind === 'failed') resolve({ kind: 'probe-failed', probe: verdict.probe, answer: verdict.answer });
      };
      const watch = watchProbes(
        {
          probes: container.probes,
          clock: options.clock,
          ...(now.startedAt === undefined ? {} : { startedAt: now.startedAt }),
          run: (probe, probeSignal) => runHandler(probe.handler, target, probe.timeoutSeconds * 1000, probeSignal),
          onVerdict,
          onAnswer: (_, answer) => options.onAnswer(answer),
        },
        combined,
      );
      watch.ended.catch(reject);
      options.onLife((network ?? now).address, () => watch.hurry());
    });
    return await Promise.race([died, failed]);
  } finally {
    over.abort();
  }
}

async function readExit(name: string, exitCode: number, options: LifeOptions, signal: AbortSignal): Promise<LifeEnd> {
  return { kind: 'exited', exitCode, oomKilled: await readOomKilled(name, exitCode, options, signal) };
}
