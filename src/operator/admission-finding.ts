import type { Diagnostic, Severity } from '../model/diagnostic.ts';
import { type Json, type Node, toJson } from '../model/node.ts';

/** Something that a validating webhook says of a create, in its own words. */
export type AdmissionFinding = Diagnostic & { readonly field: string };

/** `'x'` in Go's `%q`, anything else as JSON. */
function quote(value: Json): string {
  return JSON.stringify(value);
}

function finding(
  severity: Severity,
  code: string,
  field: string,
  message: string,
  node: Node | undefined,
): AdmissionFinding {
  const origin = node?.origin;
  return { severity, code, field, message, ...(origin?.kind === 'file' ? { at: origin.at } : {}) };
}

/** field.Required [apimachinery pkg/util/validation/field/errors.go]; so are the next four. `node` is the nearest thing that is written. */
export function required(field: string, detail: string, node: Node | undefined): AdmissionFinding {
  return finding('error', 'REQUIRED', field, `${field}: Required value: ${detail}`, node);
}

export function invalid(field: string, value: Node | Json, detail: string, node?: Node): AdmissionFinding {
  const written = isNode(value) ? value : undefined;
  const text = quote(written ? toJson(written) : isNode(value) ? null : value);
  return finding('error', 'INVALID_VALUE', field, `${field}: Invalid value: ${text}: ${detail}`, node ?? written);
}

export function forbidden(field: string, detail: string, node: Node | undefined): AdmissionFinding {
  return finding('error', 'FORBIDDEN', field, `${field}: Forbidden: ${detail}`, node);
}

export function unsupported(
  field: string,
  value: string,
  supported: readonly string[],
  node: Node | undefined,
): AdmissionFinding {
  const list = supported.map(quote).join(', ');
  const message = `${field}: Unsupported value: ${quote(value)}: supported values: ${list}`;
  return finding('error', 'NOT_IN_ENUM', field, message, node);
}

export function duplicate(field: string, value: string, node: Node | undefined): AdmissionFinding {
  return finding('error', 'DUPLICATE_ITEM', field, `${field}: Duplicate value: ${quote(value)}`, node);
}

/** An error of 1.1, which writes plain sentences. */
export function refusal(field: string, message: string, node: Node | undefined): AdmissionFinding {
  return finding('error', 'WEBHOOK', field, message, node);
}

/** A warning that the webhook gives with its yes. */
export function deprecation(field: string, message: string, node: Node | undefined): AdmissionFinding {
  return finding('warning', 'DEPRECATED', field, message, node);
}

/** What only clusters that are set up otherwise refuse. */
export function dependsOnCluster(error: AdmissionFinding, hint: string): AdmissionFinding {
  return { ...error, severity: 'warning', hint };
}

function isNode(value: Node | Json): value is Node {
  return typeof value === 'object' && value !== null && 'origin' in value && 'kind' in value;
}
