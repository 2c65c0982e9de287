import type { Diagnostic } from '../model/diagnostic.ts';
import { at, type MapNode, stringAt } from '../model/node.ts';
import { findTemplateHole } from './find-holes.ts';
import { placeOf } from './place.ts';

/** apimachinery pkg/util/validation, IsDNS1123Subdomain: what the API server takes for the name of a custom resource. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** IsDNS1123Label: a namespace. */
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN_LENGTH = 253;
const LABEL_LENGTH = 63;

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
  const message = `metadata.name: Invalid value: "${name}": must be lower-case letters, digits, "-" and "."`;
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
  const message = `metadata.namespace: Invalid value: "${namespace}": must be lower-case letters, digits and "-"`;
  return [{ severity: 'error', code: 'NAMESPACE_INVALID', message, ...placeOf(node?.origin) }];
}

function isHole(namespace: string): boolean {
  return /[<>${}]/.test(namespace);
}

function isNamespace(namespace: string): boolean {
  return LABEL.test(namespace) && namespace.length <= LABEL_LENGTH;
}

/** `metadata.name` and `metadata.namespace` as the API server wants them; their types are the schema's matter. */
export function checkMetadata(root: MapNode): readonly Diagnostic[] {
  return [...checkName(root), ...checkNamespace(root)];
}

/** The namespace as written; undefined where there is none or a hole in its place. */
export function readNamespace(metadata: MapNode): string | undefined {
  const namespace = stringAt(metadata, 'namespace');
  return namespace === undefined || !isNamespace(namespace) ? undefined : namespace;
}
