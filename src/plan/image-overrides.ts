import { UserError } from '../model/diagnostic.ts';

/** `--image [COMPONENT=]REF` by component (key `''`: all) and `--tag`. */
export interface ImageOverrides {
  readonly byComponent: ReadonlyMap<string, string>;
  readonly tag: string | undefined;
}

/** Splits `COMPONENT=VALUE` or `VALUE`; a `=` can stand in no image reference and in no version. */
export function parseComponentValues(values: readonly string[], flag: string): ReadonlyMap<string, string> {
  const parsed = new Map<string, string>();
  for (const value of values) {
    const equals = value.indexOf('=');
    const component = equals === -1 ? '' : value.slice(0, equals);
    const rest = value.slice(equals + 1);
    if (rest === '' || (equals !== -1 && component === '')) {
      throw new UserError('INVALID_FLAG', `${flag} ${value} has no value`, { hint: `write ${flag} [COMPONENT=]VALUE` });
    }
    parsed.set(component, rest);
  }
  return parsed;
}

/** Refuses flags that name a component the graph does not have; component names compare without case. */
export function checkComponentNames(
  values: ReadonlyMap<string, unknown>,
  components: readonly string[],
  flag: string,
): void {
  for (const name of values.keys()) {
    if (name === '' || components.some((component) => component.toLowerCase() === name.toLowerCase())) continue;
    throw new UserError('COMPONENT_UNKNOWN', `${flag}: the graph has no component "${name}"`, {
      hint: `its components are ${components.join(', ')}`,
    });
  }
}

/** The entry of a component, then the one for all. */
export function valueFor<T>(values: ReadonlyMap<string, T>, component: string): T | undefined {
  for (const [name, value] of values) if (name.toLowerCase() === component.toLowerCase()) return value;
  return values.get('');
}

/** The reference with its tag (and digest) replaced. */
function withTag(image: string, tag: string): string {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  return `${colon > name.lastIndexOf('/') ? name.slice(0, colon) : name}:${tag}`;
}

/** The image that a container of the component runs: `--image` wins, then `--tag` on Dynamo's own images, then the file. */
export function overrideImage(written: string, component: string, overrides: ImageOverrides): string {
  const replaced = valueFor(overrides.byComponent, component);
  if (replaced !== undefined) return replaced;
  return overrides.tag === undefined ? written : withTag(written, overrides.tag);
}

/** distribution/reference: domain/path:tag@digest; enough to tell a name from a hole such as `<your-registry>/x`. */
const IMAGE_REFERENCE =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

export function isImageReference(image: string): boolean {
  return IMAGE_REFERENCE.test(image);
}
