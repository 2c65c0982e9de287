import type { Graph } from '../model/graph.ts';
import { type MapNode, map, scalar } from '../model/node.ts';

/** The graph as the document it was or would be written as, and its companions behind it: ConfigMaps, claims, Secrets. */
export function graphDocuments(graph: Graph): readonly MapNode[] {
  const { origin, metadata, spec, companions } = graph;
  const document = map(
    [
      ['apiVersion', scalar(graph.apiVersion, origin)],
      ['kind', scalar('DynamoGraphDeployment', origin)],
      ['metadata', metadata],
      ['spec', spec],
    ],
    origin,
  );
  return [document, ...companions.configMaps.values(), ...companions.claims.values(), ...companions.secrets.values()];
}
