import type { MapNode, Node } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { checkScalar } from './check-scalar.ts';
import type { FieldRule, FieldTable } from './field-rule.ts';
import { hintForUnknown, type KnownFields } from './hint-for-unknown.ts';

/** A problem of one field. `path` as kubectl writes it: `spec.services.decode.replicas`, `spec.components[1].name`. */
export interface Finding {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly origin: Origin;
  readonly hint: string | undefined;
}

interface Walk {
  readonly rules: readonly FieldRule[];
  readonly version: string;
  readonly findings: Finding[];
  /** The objects around the one that is looked at, outermost first. */
  readonly around: KnownFields[];
}

/** The type of a value in the API server's words. */
function typeOf(node: Node): string {
  if (node.kind === 'map') return 'object';
  if (node.kind === 'list') return 'array';
  if (node.value === null) return 'null';
  if (typeof node.value === 'number') return Number.isInteger(node.value) ? 'integer' : 'number';
  return typeof node.value;
}

/** The types that a rule takes; none for any. */
function typesOf(rule: FieldRule): readonly string[] {
  switch (rule.kind) {
    case 'any':
      return [];
    case 'map':
      return ['object'];
    case 'number':
      return ['number', 'integer'];
    case 'intOrString':
      // A quantity or a port: the API server takes a number with a fraction for neither.
      return ['integer', 'string'];
    default:
      return [rule.kind];
  }
}

function hintForType(expected: string, node: Node): string | undefined {
  if (node.kind !== 'scalar' || node.value === null) return undefined;
  const text = String(node.value);
  switch (expected) {
    case 'string':
      return 'put it in quotes';
    case 'array':
      return 'write it as a list: [a, b]';
    case 'integer':
      return typeof node.value === 'string' && /^-?\d+$/.test(text) ? 'write it without quotes' : undefined;
    case 'boolean':
      return /^(?:true|false)$/.test(text) ? 'write it without quotes' : undefined;
    default:
      return undefined;
  }
}

function report(walk: Walk, code: string, path: string, detail: string, origin: Origin, hint?: string): void {
  walk.findings.push({ code, path, message: `${path}: ${detail}`, origin, hint });
}

function checkNode(walk: Walk, node: Node, rule: FieldRule | undefined, path: string): void {
  const types = rule ? typesOf(rule) : [];
  if (!rule || types.length === 0) return;
  const type = typeOf(node);
  if (!types.includes(type)) {
    const expected = rule.kind === 'number' ? 'number' : types.join(' or ');
    const detail = `Invalid value: "${type}": must be of type ${expected}`;
    report(walk, 'WRONG_TYPE', path, detail, node.origin, hintForType(expected, node));
    return;
  }
  if (node.kind === 'map') checkMap(walk, node, rule, path);
  else if (node.kind === 'list') checkList(walk, node.items, rule, path, node.origin);
  else
    for (const { code, detail, hint } of checkScalar(node.value, rule)) {
      report(walk, code, path, detail, node.origin, hint);
    }
}

function checkCount(walk: Walk, count: number, rule: FieldRule, path: string, origin: Origin): void {
  if (rule.maxItems === undefined || count <= rule.maxItems) return;
  report(walk, 'TOO_MANY', path, `Too many: ${count}: must have at most ${rule.maxItems} items`, origin);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function checkMap(walk: Walk, node: MapNode, rule: FieldRule, path: string): void {
  checkCount(walk, node.fields.size, rule, path, node.origin);
  if (rule.kind === 'map') {
    const of = walk.rules[rule.of ?? -1];
    for (const [key, value] of node.fields) checkNode(walk, value, of, join(path, key));
    return;
  }
  const fields = rule.fields ?? {};
  walk.around.push({ path, names: Object.keys(fields) });
  for (const [key, value] of node.fields) {
    const here = join(path, key);
    if (Object.hasOwn(fields, key)) checkNode(walk, value, walk.rules[fields[key] ?? -1], here);
    else if (!rule.open) {
      const origin = node.keys?.get(key) ?? value.origin;
      const hint = hintForUnknown(key, walk.around, walk.version);
      walk.findings.push({ code: 'UNKNOWN_FIELD', path: here, message: `unknown field "${here}"`, origin, hint });
    }
  }
  walk.around.pop();
  for (const name of rule.required ?? []) {
    if (!node.fields.has(name)) report(walk, 'MISSING_FIELD', join(path, name), 'Required value', node.origin);
  }
}

/** What makes an item of the list itself; undefined when it does not say. */
function identify(item: Node, rule: FieldRule): string | undefined {
  if (rule.unique) return item.kind === 'scalar' ? JSON.stringify(item.value) : undefined;
  if (!rule.keys || item.kind !== 'map') return undefined;
  const values = rule.keys.map((key) => {
    const value = item.fields.get(key);
    return value?.kind === 'scalar' ? String(value.value) : rule.keyDefaults?.[key];
  });
  if (values.includes(undefined)) return undefined;
  return JSON.stringify(Object.fromEntries(rule.keys.map((key, index) => [key, values[index]])));
}

function checkList(walk: Walk, items: readonly Node[], rule: FieldRule, path: string, origin: Origin): void {
  checkCount(walk, items.length, rule, path, origin);
  const of = walk.rules[rule.of ?? -1];
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    checkNode(walk, item, of, `${path}[${index}]`);
    const identity = identify(item, rule);
    if (identity === undefined) continue;
    const first = seen.get(identity);
    if (first === undefined) seen.set(identity, index);
    else {
      const detail = `Duplicate value: ${identity}`;
      report(walk, 'DUPLICATE_ITEM', `${path}[${index}]`, detail, item.origin, `${path}[${first}] has the same`);
    }
  }
}

/** What the CRD of one generation (`1.5`) and API version (`v1beta1`) has against a document; nothing where there is no such CRD. */
export function walkFields(root: Node, table: FieldTable, generation: string, version: string): readonly Finding[] {
  const walk: Walk = { rules: table.rules, version, findings: [], around: [] };
  const rule = table.roots[`${generation}/${version}`];
  if (rule !== undefined) checkNode(walk, root, table.rules[rule], '');
  return walk.findings;
}
