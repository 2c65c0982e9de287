import type { Diagnostic } from '../model/diagnostic.ts';
import type { MapNode, Node } from '../model/node.ts';
import { OPERATOR_GENERATIONS, type OperatorGeneration, type Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import type { FieldRule, FieldTable } from './field-rule.ts';
import table from './field-table.json' with { type: 'json' };
import { suggestName } from './suggest-name.ts';

const TABLE: FieldTable = {
  roots: table.roots,
  // The JSON module's inferred type is a union of hundreds of shapes; the generator writes FieldRule and nothing else.
  rules: table.rules as readonly FieldRule[],
};

/** A problem with the path of the field, as kubectl writes it: `spec.services.decode.replicas`, `spec.components[1].name`. */
interface Finding {
  readonly path: string;
  readonly diagnostic: Diagnostic;
}

export interface CheckFieldsOptions {
  readonly apiVersion: 'v1alpha1' | 'v1beta1';
  readonly generation: OperatorGeneration;
  /** Lenient: a field that another generation knows is a warning, not an error. */
  readonly strict: boolean;
}

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/** Every generation whose CRD serves the API version. */
export function generationsOf(apiVersion: CheckFieldsOptions['apiVersion']): readonly OperatorGeneration[] {
  return OPERATOR_GENERATIONS.filter((generation) => TABLE.roots[`${generation}/${apiVersion}`] !== undefined);
}

/** Checks `spec` against the CRD of a generation: unknown fields, types, required fields, limits; all problems, in file order. */
export function checkFields(spec: Node, options: CheckFieldsOptions): readonly Diagnostic[] {
  const findings = checkGeneration(spec, options.apiVersion, options.generation);
  if (options.strict || findings.length === 0) return findings.map((finding) => finding.diagnostic);
  const others = generationsOf(options.apiVersion)
    .filter((generation) => generation !== options.generation)
    .map((generation) => ({ generation, found: keysOf(checkGeneration(spec, options.apiVersion, generation)) }));
  return findings.map(({ path, diagnostic }) => {
    const accepting = others
      .filter(({ found }) => !found.has(`${diagnostic.code} ${path}`))
      .map(({ generation }) => generation);
    if (accepting.length === 0) return diagnostic;
    return {
      ...diagnostic,
      severity: 'warning',
      hint: `operator ${accepting.join(', ')} takes it; operator ${options.generation} leaves it out; choose one with --operator-version`,
    };
  });
}

function keysOf(findings: readonly Finding[]): ReadonlySet<string> {
  return new Set(findings.map(({ path, diagnostic }) => `${diagnostic.code} ${path}`));
}

function checkGeneration(spec: Node, apiVersion: string, generation: OperatorGeneration): Finding[] {
  const root = TABLE.roots[`${generation}/${apiVersion}`];
  const findings: Finding[] = [];
  if (root !== undefined) checkNode(spec, TABLE.rules[root], 'spec', findings);
  return findings;
}

function report(findings: Finding[], path: string, code: string, message: string, origin: Origin, hint?: string): void {
  findings.push({
    path,
    diagnostic: {
      severity: 'error',
      code,
      message: `${path}: ${message}`,
      ...place(origin),
      ...(hint ? { hint } : {}),
    },
  });
}

function describeKind(node: Node): string {
  if (node.kind === 'map') return 'object';
  if (node.kind === 'list') return 'array';
  if (node.value === null) return 'null';
  if (typeof node.value === 'number') return Number.isInteger(node.value) ? 'integer' : 'number';
  return typeof node.value;
}

/** The kinds of value that a rule takes, in the API server's words. */
function hasKind(node: Node, rule: FieldRule): boolean {
  const kind = describeKind(node);
  switch (rule.kind) {
    case 'any':
      return true;
    case 'object':
    case 'map':
      return kind === 'object';
    case 'intOrString':
      // A quantity or a port: the API server takes a number with a fraction for neither.
      return kind === 'integer' || kind === 'string';
    case 'number':
      return kind === 'integer' || kind === 'number';
    default:
      return kind === rule.kind;
  }
}

const EXPECTED: Readonly<Partial<Record<FieldRule['kind'], string>>> = {
  map: 'object',
  intOrString: 'integer or string',
};

function checkNode(node: Node, rule: FieldRule | undefined, path: string, findings: Finding[]): void {
  if (!rule || rule.kind === 'any') return;
  if (!hasKind(node, rule)) {
    const expected = EXPECTED[rule.kind] ?? rule.kind;
    const shown = node.kind === 'scalar' ? JSON.stringify(node.value) : describeKind(node);
    const hint =
      expected === 'string'
        ? 'put it in quotes'
        : expected === 'array' && node.kind === 'scalar'
          ? 'write it as a list'
          : undefined;
    return report(
      findings,
      path,
      'WRONG_TYPE',
      `${shown} is of type ${describeKind(node)}, and must be ${expected}`,
      node.origin,
      hint,
    );
  }
  if (node.kind === 'map') checkMap(node, rule, path, findings);
  else if (node.kind === 'list') checkList(node.items, node.origin, rule, path, findings);
  else checkScalar(node.value, node.origin, rule, path, findings);
}

function checkMap(node: MapNode, rule: FieldRule, path: string, findings: Finding[]): void {
  if (rule.maxItems !== undefined && node.fields.size > rule.maxItems) {
    report(
      findings,
      path,
      'TOO_MANY',
      `has ${node.fields.size} entries, and ${rule.maxItems} are the most`,
      node.origin,
    );
  }
  if (rule.kind === 'map') {
    const of = TABLE.rules[rule.of ?? -1];
    for (const [key, value] of node.fields) checkNode(value, of, `${path}.${key}`, findings);
    return;
  }
  const fields = rule.fields ?? {};
  for (const [key, value] of node.fields) {
    const index = fields[key];
    if (index !== undefined) {
      checkNode(value, TABLE.rules[index], `${path}.${key}`, findings);
    } else if (!rule.open) {
      const meant = suggestName(key, Object.keys(fields));
      const hint = meant ? `did you mean "${meant}"?` : undefined;
      report(
        findings,
        `${path}.${key}`,
        'UNKNOWN_FIELD',
        `unknown field "${key}"`,
        node.keys?.get(key) ?? value.origin,
        hint,
      );
    }
  }
  for (const name of rule.required ?? []) {
    if (!node.fields.has(name)) report(findings, `${path}.${name}`, 'MISSING_FIELD', 'is required', node.origin);
  }
}

function checkList(items: readonly Node[], origin: Origin, rule: FieldRule, path: string, findings: Finding[]): void {
  const of = TABLE.rules[rule.of ?? -1];
  if (rule.maxItems !== undefined && items.length > rule.maxItems) {
    report(findings, path, 'TOO_MANY', `has ${items.length} items, and ${rule.maxItems} are the most`, origin);
  }
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    checkNode(item, of, `${path}[${index}]`, findings);
    if (!rule.keys || item.kind !== 'map') continue;
    const name = JSON.stringify(rule.keys.map((key) => scalarText(item.fields.get(key))));
    if (seen.has(name) && name !== '[null]') {
      report(
        findings,
        `${path}[${index}]`,
        'DUPLICATE_ITEM',
        `duplicates the ${rule.keys.join(' and ')} of an item above`,
        item.origin,
      );
    }
    seen.add(name);
  }
}

function scalarText(node: Node | undefined): string | null {
  return node?.kind === 'scalar' ? String(node.value) : null;
}

function checkScalar(value: unknown, origin: Origin, rule: FieldRule, path: string, findings: Finding[]): void {
  if (typeof value === 'string') {
    if (rule.enum && !rule.enum.includes(value)) {
      const meant = suggestName(value, rule.enum);
      const hint = meant ? `did you mean "${meant}"?` : undefined;
      report(
        findings,
        path,
        'NOT_IN_ENUM',
        `"${value}" is not supported; supported: ${rule.enum.join(', ')}`,
        origin,
        hint,
      );
    } else if (
      rule.kind === 'intOrString' && rule.pattern
        ? parseQuantity(value) === undefined
        : rule.pattern && !new RegExp(rule.pattern).test(value)
    ) {
      report(findings, path, 'PATTERN', `"${value}" does not match ${rule.pattern}`, origin);
    }
    if (rule.minLength !== undefined && value.length < rule.minLength)
      report(findings, path, 'TOO_SHORT', `must have at least ${rule.minLength} characters`, origin);
    if (rule.maxLength !== undefined && value.length > rule.maxLength)
      report(findings, path, 'TOO_LONG', `must have at most ${rule.maxLength} characters`, origin);
  }
  if (typeof value === 'number') {
    if (rule.min !== undefined && value < rule.min)
      report(findings, path, 'OUT_OF_RANGE', `${value} is less than ${rule.min}`, origin);
    if (rule.max !== undefined && value > rule.max)
      report(findings, path, 'OUT_OF_RANGE', `${value} is more than ${rule.max}`, origin);
  }
}
