import { UserError } from '../model/diagnostic.ts';
import { type Node, stringAt } from '../model/node.ts';

/** `--image [COMPONENT|RUNTIME=]REF` by component or runtime (key `''`: all) and `--tag`. */
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

/**
 * Refuses flags that name a component the graph does not have; component names compare without case. `runtimes` are other names that
 * stand for some of its components.
 */
export function checkComponentNames(
  values: ReadonlyMap<string, unknown>,
  components: readonly string[],
  flag: string,
  runtimes: Iterable<string> = [],
): void {
  const known = new Set([...components, ...runtimes].map((name) => name.toLowerCase()));
  for (const name of values.keys()) {
    if (name === '' || known.has(name.toLowerCase())) continue;
    throw new UserError('COMPONENT_UNKNOWN', `${flag}: the graph has no component "${name}"`, {
      hint: `its components are ${components.join(', ')}`,
    });
  }
}

/** The entry of a component, then that of its runtime (`vllm`), then the one for all. */
export function valueFor<T>(values: ReadonlyMap<string, T>, component: string, runtime?: string): T | undefined {
  for (const wanted of [component, ...(runtime === undefined ? [] : [runtime])])
    for (const [name, value] of values) if (name.toLowerCase() === wanted.toLowerCase()) return value;
  return values.get('');
}

/** `--image` for a graph that may come from a script, whose components ask for theirs one by one. */
export interface ImageChooser {
  readonly byComponent: ReadonlyMap<string, string>;
  readonly choose: (component: string, runtime: string) => string | undefined;
  /** Refuses names of what the graph does not have: components, and runtimes that it is written with or that were asked for. */
  readonly check: (components: readonly { readonly name: string; readonly written: Node }[]) => void;
}

export function imageChooser(values: readonly string[] = []): ImageChooser {
  const byComponent = parseComponentValues(values, '--image');
  const asked = new Set<string>();
  return {
    byComponent,
    choose: (component, runtime) => {
      asked.add(runtime);
      return valueFor(byComponent, component, runtime);
    },
    check: (components) => {
      const runtimes = [...asked, ...writtenRuntimes(components.map(({ written }) => written))];
      const names = components.map(({ name }) => name);
      checkComponentNames(byComponent, names, '--image', runtimes);
    },
  };
}

/** `vllm` of `nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.4.2`, by the names of NVIDIA's images; undefined for others. */
function runtimeOfImage(image: string): string | undefined {
  const name = image.split('@')[0]?.split('/').at(-1)?.split(':')[0] ?? '';
  const runtime = /^(.+)-runtime$/.exec(name)?.[1];
  return runtime === 'tensorrtllm' ? 'trtllm' : runtime;
}

/** Every image that is written somewhere below a node. */
export function writtenImages(node: Node): readonly Extract<Node, { kind: 'scalar' }>[] {
  if (node.kind === 'list') return node.items.flatMap(writtenImages);
  if (node.kind === 'scalar') return [];
  const own = node.fields.get('image');
  const image = own?.kind === 'scalar' && stringAt(node, 'image') !== undefined ? [own] : [];
  return [...image, ...[...node.fields.values()].flatMap(writtenImages)];
}

/** The runtimes of the images below these nodes. */
function writtenRuntimes(nodes: readonly Node[]): readonly string[] {
  return nodes.flatMap(writtenImages).flatMap(({ value }) => runtimeOfImage(String(value)) ?? []);
}

/** The reference with its tag (and digest) replaced. */
function withTag(image: string, tag: string): string {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  return `${colon > name.lastIndexOf('/') ? name.slice(0, colon) : name}:${tag}`;
}

/** The image that a container of the component runs: `--image` wins, then `--tag` on Dynamo's own images, then the file. */
export function overrideImage(written: string, component: string, overrides: ImageOverrides): string {
  const replaced = valueFor(overrides.byComponent, component, runtimeOfImage(written));
  if (replaced !== undefined) return replaced;
  return overrides.tag === undefined ? written : withTag(written, overrides.tag);
}

/** distribution/reference: domain/path:tag@digest; enough to tell a name from a hole such as `<your-registry>/x`. */
const IMAGE_REFERENCE =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

export function isImageReference(image: string): boolean {
  return IMAGE_REFERENCE.test(image);
}
