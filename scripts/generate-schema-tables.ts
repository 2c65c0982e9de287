/**
 * Writes src/dgd/schema/fields.table.json: the names, types and constraints of every field of a DynamoGraphDeployment (the whole
 * PodSpec included) in each operator generation, from the CRDs of those generations. Equal parts are stored once.
 * Usage: node --import tsx scripts/generate-schema-tables.ts DIRECTORY, which holds dynamographdeployments-vX.Y….yaml
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { FieldRule } from '../src/dgd/field-rule.ts';

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

interface Crd {
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

const STRING: Schema = { type: 'string' };
const STRINGS: Schema = { type: 'object', additionalProperties: STRING };
const ANY: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

/** CRDs leave `metadata` to the API server: apimachinery pkg/apis/meta/v1/types.go, ObjectMeta. */
const OBJECT_META: Schema = {
  type: 'object',
  properties: {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    labels: STRINGS,
    annotations: STRINGS,
    finalizers: { type: 'array', items: STRING },
    ownerReferences: { type: 'array', items: ANY },
    managedFields: { type: 'array', items: ANY },
    uid: STRING,
    resourceVersion: STRING,
    generation: { type: 'integer' },
    creationTimestamp: STRING,
    deletionTimestamp: STRING,
    deletionGracePeriodSeconds: { type: 'integer' },
    selfLink: STRING,
  },
};

const rules: FieldRule[] = [];
const known = new Map<string, number>();

function intern(rule: FieldRule): number {
  const text = JSON.stringify(rule);
  const found = known.get(text);
  if (found !== undefined) return found;
  rules.push(rule);
  known.set(text, rules.length - 1);
  return rules.length - 1;
}

function listKeys(schema: Schema): Pick<FieldRule, 'keys' | 'keyDefaults' | 'unique'> {
  if (schema['x-kubernetes-list-type'] === 'set') return { unique: true };
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!keys) return {};
  const defaults = keys.flatMap((key) => {
    const value = schema.items?.properties?.[key]?.default;
    return value === undefined ? [] : [[key, String(value)]];
  });
  return { keys, ...(defaults.length > 0 ? { keyDefaults: Object.fromEntries(defaults) } : {}) };
}

function limitsOf(schema: Schema): Partial<FieldRule> {
  return {
    ...(schema.enum ? { enum: schema.enum } : {}),
    ...(schema.pattern ? { pattern: schema.pattern } : {}),
    ...(schema.format === 'int32' ? { int32: true } : {}),
    ...(schema.minimum === undefined ? {} : { min: schema.minimum }),
    ...(schema.maximum === undefined ? {} : { max: schema.maximum }),
    ...(schema.minLength === undefined ? {} : { minLength: schema.minLength }),
    ...(schema.maxLength === undefined ? {} : { maxLength: schema.maxLength }),
    ...(schema.maxItems === undefined ? {} : { maxItems: schema.maxItems }),
    ...(schema.maxProperties === undefined ? {} : { maxItems: schema.maxProperties }),
    ...listKeys(schema),
  };
}

function convert(schema: Schema): number {
  const limits = limitsOf(schema);
  if (schema['x-kubernetes-int-or-string']) return intern({ kind: 'intOrString', ...limits });
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  switch (schema.type) {
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return intern({ kind: schema.type, ...limits });
    case 'array':
      return intern({ kind: 'array', of: convert(schema.items ?? {}), ...limits });
    case 'object':
      if (typeof schema.additionalProperties === 'object')
        return intern({ kind: 'map', of: convert(schema.additionalProperties), ...limits });
      return intern({
        kind: 'object',
        fields: Object.fromEntries(
          Object.entries(schema.properties ?? {}).map(([name, field]) => [name, convert(field)]),
        ),
        ...(schema.required ? { required: schema.required } : {}),
        ...(open ? { open } : {}),
        ...limits,
      });
    default:
      return intern({ kind: 'any' });
  }
}

const directory = process.argv[2];
if (directory === undefined) throw new Error('name the directory that holds the CRDs');
const roots: Record<string, number> = {};
for (const file of (await readdir(directory)).toSorted()) {
  const generation = /^dynamographdeployments-v(\d+\.\d+)/.exec(file)?.[1];
  if (generation === undefined) continue;
  const crd: Crd = parse(await readFile(join(directory, file), 'utf8'));
  for (const { name, schema } of crd.spec.versions) {
    // A create drops `status` before anything is checked.
    const properties = { ...schema.openAPIV3Schema.properties, metadata: OBJECT_META, status: ANY };
    roots[`${generation}/${name}`] = convert({ ...schema.openAPIV3Schema, properties });
  }
}
const lines = rules.map((rule) => JSON.stringify(rule)).join(',\n');
const text = `{"roots":${JSON.stringify(roots)},\n"rules":[\n${lines}\n]}\n`;
await writeFile(new URL('../src/dgd/schema/fields.table.json', import.meta.url), text);
