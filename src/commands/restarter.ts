import type { Runtime } from '../model/runtime.ts';

/** Who restarts what ends once `up` has left, in words. */
export function restarter({ kind }: Pick<Runtime, 'kind'>): string {
  return kind === 'docker' ? 'Docker' : 'the keeper of the project';
}
