import type { Diagnostic } from '../model/diagnostic.ts';
import type { Origin } from '../model/origin.ts';

/** The position part of a diagnostic, for values that were written in a file. */
export function placeOf(origin: Origin | undefined): Pick<Diagnostic, 'at'> {
  return origin?.kind === 'file' ? { at: origin.at } : {};
}
