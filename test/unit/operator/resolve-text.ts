import { itemsAt, type Json, type MapNode, mapAt, stringAt, toJson } from '../../../src/model/node.ts';
import type { OperatorGeneration } from '../../../src/model/origin.ts';
import type { ResolvedComponent, ResolvedGraph } from '../../../src/model/resolved-graph.ts';
import { resolveGraph } from '../../../src/operator/resolve-graph.ts';
import { readGraph } from './read-corpus.ts';

/** A v1alpha1 graph `g` with one service `W` of these lines (indented by six). */
export function alphaText(service: string, spec = ''): string {
  return `apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\nmetadata:\n  name: g\nspec:\n${spec}  services:\n    W:\n${service}`;
}

export function resolveText(text: string, generation: OperatorGeneration): ResolvedGraph {
  return resolveGraph(readGraph(text), { generation });
}

export function codes(graph: ResolvedGraph): readonly string[] {
  return graph.diagnostics.map((diagnostic) => diagnostic.code);
}

export function onlyComponent(graph: ResolvedGraph): ResolvedComponent {
  const [component] = graph.components;
  if (!component) throw new Error('no component');
  return component;
}

/** A container of the first component's pod by name; `main` when none is given. */
export function containerOf(graph: ResolvedGraph, name = 'main'): MapNode {
  const containers = itemsAt(onlyComponent(graph).podTemplate, 'spec', 'containers');
  const found = containers.find((container) => stringAt(container, 'name') === name);
  if (found?.kind !== 'map') throw new Error(`no container ${name}`);
  return found;
}

/** Names and values of a container's environment, `valueFrom` as its JSON. */
export function envOf(container: MapNode): Readonly<Record<string, string>> {
  return Object.fromEntries(
    itemsAt(container, 'env').map((item) => [
      stringAt(item, 'name') ?? '',
      stringAt(item, 'value') ?? JSON.stringify(mapAt(item, 'valueFrom') ?? ''),
    ]),
  );
}

export function field(container: MapNode, key: string): Json | undefined {
  const node = container.fields.get(key);
  return node && toJson(node);
}
