import { booleanAt, list, type MapNode, map, type Node, scalar, stringAt } from '../model/node.ts';
import { mapsAt, nameOf } from './edit-node.ts';
import { operatorOrigin } from './generation.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';

/** Where each API keeps its claims: 0.4 one `pvc` per service, later ones `spec.pvcs` (facts/operator.md §6.1). */
function writtenClaims(context: GraphContext): readonly MapNode[] {
  if (context.generation !== '0.4') return mapsAt(context.graph.spec, 'pvcs');
  return context.graph.components.flatMap((component) => {
    const claim = component.written.fields.get('pvc');
    return claim?.kind === 'map' ? [claim] : [];
  });
}

/** The claims that the operator makes; one that it neither makes nor finds fails the graph in a cluster. */
export function readClaims(context: GraphContext): readonly MapNode[] {
  const claims = new Map<string, MapNode>();
  for (const written of writtenClaims(context)) {
    const name = nameOf(written);
    if (booleanAt(written, 'create')) claims.set(name, claimDocument(context, written));
    else if (!context.graph.companions.claims.has(name)) {
      reportFinding(context, {
        severity: 'notice',
        code: 'CLAIM_NOT_CREATED',
        message: `the claim ${name} must exist in a cluster: create is not set`,
        origin: written.origin,
      });
    }
  }
  return [...claims.values()];
}

function claimDocument(context: GraphContext, written: MapNode): MapNode {
  const origin = operatorOrigin(context.generation, 'internal/dynamo/pvc.go');
  const spec: (readonly [string, Node])[] = [];
  const mode = written.fields.get('volumeAccessMode');
  if (mode) spec.push(['accessModes', list([mode], mode.origin)]);
  const size = written.fields.get('size');
  if (size) spec.push(['resources', map([['requests', map([['storage', size]], size.origin)]], size.origin)]);
  if (stringAt(written, 'storageClass')) {
    const storageClass = written.fields.get('storageClass');
    if (storageClass) spec.push(['storageClassName', storageClass]);
  }
  const metadata: (readonly [string, Node])[] = [
    ['name', written.fields.get('name') ?? scalar('', origin)],
    ['namespace', scalar(context.kubernetesNamespace, origin)],
  ];
  return map(
    [
      ['apiVersion', scalar('v1', origin)],
      ['kind', scalar('PersistentVolumeClaim', origin)],
      ['metadata', map(metadata, written.origin)],
      ['spec', map(spec, written.origin)],
    ],
    written.origin,
  );
}
