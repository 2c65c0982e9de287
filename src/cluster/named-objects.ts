import { booleanAt, itemsAt, type MapNode, type Node, stringAt } from '../model/node.ts';

export interface NamedObject {
  readonly kind: 'secret' | 'persistentvolumeclaim';
  readonly name: string;
  /** The first node that names it. */
  readonly node: Node;
}

/** The Secrets and claims that must be in a cluster before the pods of a graph can start; what is optional, or made by the operator, is not among them. */
export function namedObjects(spec: MapNode): readonly NamedObject[] {
  const found = new Map<string, NamedObject>();
  const add = (kind: NamedObject['kind'], name: string | undefined, node: Node) => {
    if (name !== undefined && !found.has(`${kind}/${name}`)) found.set(`${kind}/${name}`, { kind, name, node });
  };
  visit(spec, add);
  const made = itemsAt(spec, 'pvcs').filter((claim) => booleanAt(claim, 'create'));
  for (const claim of made) found.delete(`persistentvolumeclaim/${stringAt(claim, 'name')}`);
  return [...found.values()];
}

type Add = (kind: NamedObject['kind'], name: string | undefined, node: Node) => void;

/** By the fields of Kubernetes' pods and of both API versions that hold such a name. */
function visit(node: Node, add: Add): void {
  if (node.kind === 'list') for (const item of node.items) visit(item, add);
  if (node.kind !== 'map') return;
  for (const [key, value] of node.fields) {
    if (key === 'secretKeyRef' || key === 'secretRef') addRequired(value, 'name', add);
    // A projected source calls it `name`.
    else if (key === 'secret')
      addRequired(value, stringAt(value, 'secretName') === undefined ? 'name' : 'secretName', add);
    else if (key === 'envFromSecret') add('secret', text(value), value);
    else if (key === 'claimName' || key === 'pvcName') add('persistentvolumeclaim', text(value), value);
    else if (key === 'pvcs' && value.kind === 'list')
      for (const claim of value.items) add('persistentvolumeclaim', stringAt(claim, 'name'), claim);
    visit(value, add);
  }
}

function addRequired(reference: Node, field: string, add: Add): void {
  if (!booleanAt(reference, 'optional')) add('secret', stringAt(reference, field), reference);
}

function text(node: Node): string | undefined {
  return node.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}
