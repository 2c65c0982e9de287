import type { FieldRule, FieldTable } from '../../src/dgd/field-rule.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The same numbers for the same seed, each in [0, 1) (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that a person or a template engine may leave in the place of any other. */
const STRAY: readonly Json[] = [
  '',
  'x',
  '1',
  '8Gi',
  '500m',
  'true',
  '${VALUE}',
  'A_b',
  0,
  1,
  -1,
  2,
  1.5,
  65_536,
  3_000_000_000,
  true,
  false,
  null,
  [],
  ['a'],
  ['a', 'a'],
  [1],
  {},
  { a: 'b' },
  { name: 'x' },
  [{ name: 'x' }, { name: 'x' }],
];

interface Site {
  readonly parent: Json[] | { [key: string]: Json };
  readonly key: string | number;
  readonly rule: FieldRule | undefined;
}

/** Makes documents that are nearly right, guided by what a CRD says of each field; the same ones for the same seed. */
export class Mutator {
  readonly #table: FieldTable;
  readonly #next: () => number;

  constructor(table: FieldTable, seed: number) {
    this.#table = table;
    this.#next = seeded(seed);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#next() * items.length)];
  }

  #rule(index: number | undefined): FieldRule | undefined {
    return index === undefined ? undefined : this.#table.rules[index];
  }

  #sites(value: Json, rule: FieldRule | undefined, found: Site[]): Site[] {
    if (Array.isArray(value)) {
      for (const [key, item] of value.entries()) {
        const own = this.#rule(rule?.of);
        found.push({ parent: value, key, rule: own });
        this.#sites(item, own, found);
      }
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        const own = this.#rule(rule?.kind === 'map' ? rule.of : rule?.fields?.[key]);
        found.push({ parent: value, key, rule: own });
        this.#sites(item, own, found);
      }
    }
    return found;
  }

  /** A value that a rule takes, most of the time. */
  #value(rule: FieldRule | undefined, depth: number): Json {
    if (!rule || this.#next() < 0.08) return this.#pick(STRAY) ?? null;
    switch (rule.kind) {
      case 'string':
        return rule.enum
          ? (this.#pick(rule.enum) ?? '')
          : (this.#pick(['x', 'a-b', '', '1.2.3', 'Always', 'http']) ?? '');
      case 'intOrString':
        return this.#pick<Json>([1, '1Gi', '50%', '500m', 'http', -1, '0', '1.5', 'e', '1e3', '2e']) ?? 1;
      case 'integer':
        return this.#pick([rule.min ?? 0, (rule.min ?? 0) - 1, rule.max ?? 7, (rule.max ?? 7) + 1, 1, 2]) ?? 1;
      case 'number':
        return this.#pick([rule.min ?? 0, rule.max ?? 0.5, 0.5, 2]) ?? 1;
      case 'boolean':
        return this.#next() < 0.5;
      case 'array': {
        const count = Math.floor(this.#next() * 3);
        return Array.from({ length: count }, () => this.#value(this.#rule(rule.of), depth + 1));
      }
      case 'map':
        return {
          [this.#pick(['a', 'cpu', 'nvidia.com/gpu', 'A_1']) ?? 'a']: this.#value(this.#rule(rule.of), depth + 1),
        };
      case 'object': {
        const names = Object.keys(rule.fields ?? {});
        const chosen = new Set(rule.required ?? []);
        for (const _ of [1, 2]) if (depth < 4) chosen.add(this.#pick(names) ?? '');
        return Object.fromEntries(
          [...chosen].flatMap((name) =>
            Object.hasOwn(rule.fields ?? {}, name)
              ? [[name, this.#value(this.#rule(rule.fields?.[name]), depth + 1)]]
              : [],
          ),
        );
      }
      default:
        return this.#pick(STRAY) ?? null;
    }
  }

  #mutateOnce(document: Json, root: FieldRule | undefined): void {
    const sites = this.#sites(document, root, []).filter(({ key, parent }) => {
      // Another kind of object is no case of ours.
      return parent !== document || (key !== 'apiVersion' && key !== 'kind');
    });
    const site = this.#pick(sites);
    if (!site) return;
    const { parent, key, rule } = site;
    const set = (value: Json): void => {
      if (Array.isArray(parent)) parent[Number(key)] = value;
      else parent[String(key)] = value;
    };
    const here = Array.isArray(parent) ? parent[Number(key)] : parent[String(key)];
    const dice = this.#next();
    if (dice < 0.35) this.#insert(sites);
    else if (dice < 0.5) set(this.#value(rule, 1));
    else if (dice < 0.65) set(structuredClone(this.#pick(STRAY) ?? null));
    else if (dice < 0.75) {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[String(key)];
    } else if (dice < 0.85 && Array.isArray(parent)) parent.push(structuredClone(here ?? null));
    else if (dice < 0.95 && !Array.isArray(parent)) {
      delete parent[String(key)];
      parent[`${String(key)}${this.#pick(['s', 'x', ' ']) ?? ''}`] = here ?? null;
    } else set(typeof here === 'number' ? String(here) : typeof here === 'string' ? here.repeat(100) : (here ?? null));
  }

  /** A field that an object knows and does not have. */
  #insert(sites: readonly Site[]): void {
    const objects = sites.flatMap(({ parent, key, rule }) => {
      const value = Array.isArray(parent) ? parent[Number(key)] : parent[String(key)];
      const isMap = value !== null && value !== undefined && typeof value === 'object' && !Array.isArray(value);
      return isMap && rule?.kind === 'object' ? [{ value, rule }] : [];
    });
    const object = this.#pick(objects);
    const name = object && this.#pick(Object.keys(object.rule.fields ?? {}));
    if (object && name !== undefined) object.value[name] = this.#value(this.#rule(object.rule.fields?.[name]), 1);
  }

  /** A copy of the document with one to three changes; `root` as in the table, `1.5/v1beta1`. */
  mutate(document: Json, root: string): Json {
    const copy = structuredClone(document);
    const rule = this.#rule(this.#table.roots[root]);
    const changes = 1 + Math.floor(this.#next() * 3);
    for (let change = 0; change < changes; change += 1) this.#mutateOnce(copy, rule);
    return copy;
  }
}
