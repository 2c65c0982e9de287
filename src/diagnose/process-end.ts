import type { ProcessEnd } from '../model/failure-card.ts';

/** Signals by number, as far as processes die of them (signal(7), x86 and ARM). */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** How a process ended; codes above 128 are those of a signal, as shells and engines write it. */
export function describeProcessEnd(end: { readonly exitCode: number; readonly oomKilled: boolean }): ProcessEnd {
  return { ...end, signal: SIGNALS[end.exitCode - 128] };
}
