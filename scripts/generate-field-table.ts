/**
 * Writes src/dgd/field-table.json, the names, types and constraints of every field of a DynamoGraphDeployment (the whole PodSpec
 * included) in each operator generation, from the CRDs of those generations. Equal parts are stored once.
 * Usage: node --import tsx scripts/generate-field-table.ts DIRECTORY, which holds dynamographdeployments-vX.Y….yaml
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { FieldRule } from '../src/dgd/field-rule.ts';

interface Schema {
  readonly type?: string;
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
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

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

function convert(schema: Schema): number {
  const limits = {
    ...(schema.enum ? { enum: schema.enum } : {}),
    ...(schema.pattern ? { pattern: schema.pattern } : {}),
    ...(schema.minimum === undefined ? {} : { min: schema.minimum }),
    ...(schema.maximum === undefined ? {} : { max: schema.maximum }),
    ...(schema.minLength === undefined ? {} : { minLength: schema.minLength }),
    ...(schema.maxLength === undefined ? {} : { maxLength: schema.maxLength }),
    ...(schema.maxItems === undefined ? {} : { maxItems: schema.maxItems }),
    ...(schema.maxProperties === undefined ? {} : { maxItems: schema.maxProperties }),
    ...(schema['x-kubernetes-list-map-keys'] ? { keys: schema['x-kubernetes-list-map-keys'] } : {}),
  };
  if (schema['x-kubernetes-int-or-string']) return intern({ kind: 'intOrString', ...limits });
  if (schema.properties) {
    const fields = Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [name, convert(field)]));
    const open = schema['x-kubernetes-preserve-unknown-fields'] ? { open: true } : {};
    return intern({
      kind: 'object',
      fields,
      ...(schema.required ? { required: schema.required } : {}),
      ...open,
      ...limits,
    });
  }
  if (schema.type === 'array')
    return intern({ kind: 'array', of: schema.items ? convert(schema.items) : intern({ kind: 'any' }), ...limits });
  if (schema.type === 'object' && typeof schema.additionalProperties === 'object') {
    return intern({ kind: 'map', of: convert(schema.additionalProperties), ...limits });
  }
  switch (schema.type) {
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return intern({ kind: schema.type, ...limits });
    case 'object':
      return intern({
        kind: schema['x-kubernetes-preserve-unknown-fields'] ? 'any' : 'map',
        of: intern({ kind: 'any' }),
      });
    default:
      return intern({ kind: 'any' });
  }
}

const directory = process.argv[2];
if (directory === undefined) throw new Error('name the directory that holds the CRDs');
const roots: Record<string, number> = {};
for (const name of (await readdir(directory)).toSorted()) {
  const version = /^dynamographdeployments-v(\d+\.\d+)/.exec(name)?.[1];
  if (version === undefined) continue;
  const crd: { spec: { versions: { name: string; schema: { openAPIV3Schema: Schema } }[] } } = parse(
    await readFile(join(directory, name), 'utf8'),
  );
  for (const served of crd.spec.versions) {
    const spec = served.schema.openAPIV3Schema.properties?.spec;
    if (spec) roots[`${version}/${served.name}`] = convert(spec);
  }
}
await writeFile(new URL('../src/dgd/field-table.json', import.meta.url), `${JSON.stringify({ roots, rules })}\n`);
