import type { Diagnostic } from '../model/diagnostic.ts';
import { LABEL_RULE, SUBDOMAIN_RULE } from '../model/names.ts';
import { at, type MapNode, mapAt, stringAt } from '../model/node.ts';
import { findTemplateHole } from './find-holes.ts';
import { placeOf } from './place.ts';

/** apimachinery pkg/util/validation, IsDNS1123Subdomain: what the API server takes for the name of a custom resource. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** IsDNS1123Label: a namespace. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_LENGTH = 253;
const LABEL_LENGTH = 63;

/** apimachinery MaxLenError. */
function tooLong(limit: number): string {
  return `must be no more than ${limit} characters`;
}

function checkName(root: MapNode): Diagnostic[] {
  const name = stringAt(root, 'metadata', 'name') ?? '';
  const place = placeOf((at(root, 'metadata', 'name') ?? at(root, 'metadata') ?? root).origin);
  const error = (code: string, message: string, hint: string): Diagnostic[] => [
    { severity: 'error', code, message, ...place, hint },
  ];
  if (name === '') {
    if (at(root, 'metadata', 'name')?.kind === 'scalar' && stringAt(root, 'metadata', 'name') === undefined) return [];
    return error('NAME_MISSING', 'metadata.name: Required value', 'it becomes the name of the project');
  }
  const hole = findTemplateHole(name);
  if (hole) return error(hole.code, `metadata.name: has the template hole ${hole.text}`, hole.hint);
  if (SUBDOMAIN.test(name) && name.length <= SUBDOMAIN_LENGTH) return [];
  const rule = SUBDOMAIN.test(name) ? tooLong(SUBDOMAIN_LENGTH) : SUBDOMAIN_RULE;
  const message = `metadata.name: Invalid value: "${name}": ${rule}`;
  const suggestion = name.toLowerCase().replace(/[^a-z0-9.-]+/g, '-');
  return error('NAME_INVALID', message, SUBDOMAIN.test(suggestion) ? `for example ${suggestion}` : 'rename it');
}

function checkNamespace(root: MapNode): Diagnostic[] {
  const node = at(root, 'metadata', 'namespace');
  const namespace = stringAt(node);
  if (namespace === undefined || isNamespace(namespace)) return [];
  if (isHole(namespace)) {
    return [
      {
        severity: 'warning',
        code: 'NAMESPACE_HOLE',
        message: `metadata.namespace: "${namespace}" is not filled in, "default" is assumed`,
        ...placeOf(node?.origin),
      },
    ];
  }
  const rule = LABEL.test(namespace) ? tooLong(LABEL_LENGTH) : LABEL_RULE;
  const message = `metadata.namespace: Invalid value: "${namespace}": ${rule}`;
  return [{ severity: 'error', code: 'NAMESPACE_INVALID', message, ...placeOf(node?.origin) }];
}

function isHole(namespace: string): boolean {
  return /[<>${}]/.test(namespace);
}

function isNamespace(namespace: string): boolean {
  return LABEL.test(namespace) && namespace.length <= LABEL_LENGTH;
}

/** apimachinery pkg/util/validation, IsQualifiedName: a label's or an annotation's key behind its prefix, and a label's value. */
const QUALIFIED = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

function isKey(key: string): boolean {
  const [prefix, name] = key.includes('/')
    ? [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)]
    : [undefined, key];
  const isPrefix = prefix === undefined || (SUBDOMAIN.test(prefix) && prefix.length <= SUBDOMAIN_LENGTH);
  return isPrefix && QUALIFIED.test(name) && name.length <= LABEL_LENGTH;
}

function isLabelValue(value: string): boolean {
  return value === '' || (QUALIFIED.test(value) && value.length <= LABEL_LENGTH);
}

/** Keys of labels and annotations, and the values of labels. */
function checkLabels(root: MapNode): Diagnostic[] {
  return (['labels', 'annotations'] as const).flatMap((field) =>
    [...(mapAt(root, 'metadata', field)?.fields ?? [])].flatMap(([key, node]): Diagnostic[] => {
      const value = stringAt(node);
      // An annotation's key may have capitals in its prefix (ValidateAnnotations lowers it).
      const badKey = !isKey(field === 'labels' ? key : key.toLowerCase());
      if (!badKey && (field === 'annotations' || value === undefined || isLabelValue(value))) return [];
      const path = `metadata.${field}`;
      const rule = 'must be at most 63 letters, digits, "-", "_" and ".", and begin and end with a letter or digit';
      const message = `${path}: Invalid value: "${badKey ? key : value}": ${rule}`;
      return [{ severity: 'error', code: 'LABEL_INVALID', message, field: path, ...placeOf(node.origin) }];
    }),
  );
}

/** `metadata` as the API server wants it: name, namespace, labels; their types are the schema's matter. */
export function checkMetadata(root: MapNode, strict: boolean): readonly Diagnostic[] {
  return [...checkName(root), ...checkNamespace(root), ...(strict ? checkLabels(root) : [])];
}

/** The namespace as written; undefined where there is none or a hole in its place. */
export function readNamespace(metadata: MapNode): string | undefined {
  const namespace = stringAt(metadata, 'namespace');
  return namespace === undefined || !isNamespace(namespace) ? undefined : namespace;
}
