import type { Scalar } from '../model/node.ts';
import type { FieldRule } from './field-rule.ts';
import { suggestName } from './suggest-name.ts';

interface ScalarProblem {
  readonly code: string;
  /** In the words of the API server. */
  readonly detail: string;
  readonly hint?: string;
}

const INT32_MAX = 2 ** 31 - 1;

function checkText(value: string, rule: FieldRule): ScalarProblem[] {
  const problems: ScalarProblem[] = [];
  if (rule.enum && !rule.enum.includes(value)) {
    const meant = suggestName(value, rule.enum);
    const supported = rule.enum.map((one) => JSON.stringify(one)).join(', ');
    problems.push({
      code: 'NOT_IN_ENUM',
      detail: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
      ...(meant ? { hint: `did you mean "${meant}"?` } : {}),
    });
  }
  if (rule.pattern !== undefined && !new RegExp(rule.pattern, 'u').test(value)) {
    const quantity = rule.kind === 'intOrString';
    problems.push({
      code: 'PATTERN',
      detail: `Invalid value: ${JSON.stringify(value)}: should match '${rule.pattern}'`,
      ...(quantity ? { hint: 'write a quantity: 500m, 2, 8Gi' } : {}),
    });
  }
  const length = [...value].length;
  if (rule.minLength !== undefined && length < rule.minLength) {
    problems.push({
      code: 'TOO_SHORT',
      detail: `Invalid value: ${JSON.stringify(value)}: should be at least ${rule.minLength} chars long`,
    });
  }
  if (rule.maxLength !== undefined && length > rule.maxLength) {
    problems.push({ code: 'TOO_LONG', detail: `Too long: may not be more than ${rule.maxLength} bytes` });
  }
  return problems;
}

function checkNumber(value: number, rule: FieldRule): ScalarProblem[] {
  const invalid = (text: string): ScalarProblem[] => [
    { code: 'OUT_OF_RANGE', detail: `Invalid value: ${value}: ${text}` },
  ];
  if (rule.min !== undefined && value < rule.min) return invalid(`should be greater than or equal to ${rule.min}`);
  if (rule.max !== undefined && value > rule.max) return invalid(`should be less than or equal to ${rule.max}`);
  if (rule.int32 && (value > INT32_MAX || value < -INT32_MAX - 1)) return invalid('must be of type int32');
  return [];
}

/** What the limits of a rule have against a value of the right type. */
export function checkScalar(value: Scalar, rule: FieldRule): readonly ScalarProblem[] {
  if (typeof value === 'string') return checkText(value, rule);
  if (typeof value === 'number') return checkNumber(value, rule);
  return [];
}
