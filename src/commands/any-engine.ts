import type { LocalOptions } from '../plan/build-desired-state.ts';

/** A machine that has room for everything: what a graph wants is looked at, not what one machine lacks. */
export const ANY_ENGINE: LocalOptions['engine'] = {
  cpus: Number.POSITIVE_INFINITY,
  memoryBytes: Number.POSITIVE_INFINITY,
  reach: 'direct',
  raisesLimits: true,
  filtersGpus: true,
};
