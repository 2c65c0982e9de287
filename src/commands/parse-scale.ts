import { UserError } from '../model/diagnostic.ts';
import { parseComponentValues } from '../plan/image-overrides.ts';

/** `--scale COMPONENT=N` by component. Throws INVALID_FLAG. */
export function parseScale(values: readonly string[]): ReadonlyMap<string, number> {
  const scale = new Map<string, number>();
  for (const [component, text] of parseComponentValues(values, '--scale')) {
    const count = Number(text);
    if (component === '' || !Number.isInteger(count) || count < 0) {
      throw new UserError(
        'INVALID_FLAG',
        `--scale: "${component === '' ? text : `${component}=${text}`}" is no COMPONENT=N`,
      );
    }
    scale.set(component, count);
  }
  return scale;
}
