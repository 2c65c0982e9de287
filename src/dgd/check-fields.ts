import type { Diagnostic } from '../model/diagnostic.ts';
import type { Node } from '../model/node.ts';
import { OPERATOR_GENERATIONS, type OperatorGeneration } from '../model/origin.ts';
import type { FieldRule, FieldTable } from './field-rule.ts';
import { placeOf } from './place.ts';
import table from './schema/fields.table.json' with { type: 'json' };
import { type Finding, walkFields } from './walk-fields.ts';

const TABLE: FieldTable = {
  roots: table.roots,
  // The JSON module's inferred type is a union of hundreds of shapes; the generator writes FieldRule and nothing else.
  rules: table.rules as readonly FieldRule[],
};

export interface CheckFieldsOptions {
  readonly apiVersion: 'v1alpha1' | 'v1beta1';
  readonly generation: OperatorGeneration;
  /** Errors are those of this generation's CRD. Otherwise what another generation accepts is a warning. */
  readonly strict: boolean;
}

/** Every generation whose CRD serves the API version. */
export function generationsOf(apiVersion: CheckFieldsOptions['apiVersion']): readonly OperatorGeneration[] {
  return OPERATOR_GENERATIONS.filter((generation) => TABLE.roots[`${generation}/${apiVersion}`] !== undefined);
}

/** What a newer CRD brings or drops. A number out of its range or a name that stands twice only shows later in an older one. */
const LENIENT: readonly string[] = [
  'UNKNOWN_FIELD',
  'MISSING_FIELD',
  'WRONG_TYPE',
  'NOT_IN_ENUM',
  'PATTERN',
  'TOO_MANY',
];

/** A generation accepts what another one found when it finds neither that nor a fault of anything around it. */
function accepts(own: readonly Finding[], { code, path }: Finding): boolean {
  return !own.some(
    (finding) =>
      (finding.code === code && finding.path === path) ||
      (['UNKNOWN_FIELD', 'WRONG_TYPE'].includes(finding.code) &&
        (finding.path === path || path.startsWith(`${finding.path}.`) || path.startsWith(`${finding.path}[`))),
  );
}

function toDiagnostic({ code, path, message, origin, hint }: Finding): Diagnostic {
  return { severity: 'error', code, message, field: path, ...placeOf(origin), ...(hint ? { hint } : {}) };
}

/**
 * Checks a document (nulls pruned, as the API server does first) against the CRD of a generation: unknown, missing and duplicate fields,
 * types, limits; all problems. Messages are the API server's, codes are ours: UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD, NOT_IN_ENUM,
 * PATTERN, OUT_OF_RANGE, TOO_SHORT, TOO_LONG, TOO_MANY, DUPLICATE_ITEM.
 */
export function checkFields(root: Node, options: CheckFieldsOptions): readonly Diagnostic[] {
  const { apiVersion, generation, strict } = options;
  const findings = walkFields(root, TABLE, generation, apiVersion);
  if (strict || findings.length === 0) return findings.map(toDiagnostic);
  const others = generationsOf(apiVersion)
    .filter((other) => other !== generation)
    .map((other) => ({ other, own: walkFields(root, TABLE, other, apiVersion) }));
  return findings.map((finding) => {
    const accepting = others.filter(({ own }) => accepts(own, finding)).map(({ other }) => other);
    if (accepting.length === 0 || !LENIENT.includes(finding.code)) return toDiagnostic(finding);
    const takes = `operator ${accepting.join(', ')} ${finding.code === 'UNKNOWN_FIELD' ? 'knows' : 'accepts'} it`;
    const hint = `${takes}, ${generation} does not: --operator-version chooses`;
    return { ...toDiagnostic(finding), severity: 'warning', hint };
  });
}
