import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph, GraphComponent } from '../model/graph.ts';
import { LOCAL_ANNOTATION } from '../model/local-annotations.ts';
import { list, type MapNode, map, mapAt, type Node, scalar, stringAt, withField } from '../model/node.ts';

const LOCAL: readonly string[] = Object.values(LOCAL_ANNOTATION);

export interface Fitted {
  readonly graph: Graph;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The graph as a cluster is to get it: without the annotations that only one machine can honour, said in notices, and with the image
 * that `image` chooses for the main container of each component (`flag` is the origin of what it changes).
 */
export function fitGraph(graph: Graph, image: (written: string, component: string) => string, flag: string): Fitted {
  const diagnostics: Diagnostic[] = [];
  const components = graph.components.map((component): GraphComponent => {
    const { node, dropped } = dropLocal(component.written);
    for (const name of dropped) diagnostics.push(localNotice(name, component));
    return { ...component, written: withImage(node, (written) => image(written, component.name), flag) };
  });
  return { graph: withComponents(graph, components), diagnostics };
}

function localNotice(name: string, { name: component, origin }: GraphComponent): Diagnostic {
  return {
    severity: 'notice',
    code: 'LOCAL_ONLY',
    message: `${name} of ${component} stays here: a cluster schedules by itself`,
    ...(origin.kind === 'file' ? { at: origin.at } : {}),
  };
}

/** Both versions keep the pod's annotations in a `metadata` of their own: podTemplate.metadata, extraPodMetadata. */
function dropLocal(written: MapNode): { readonly node: MapNode; readonly dropped: readonly string[] } {
  let node = written;
  const dropped: string[] = [];
  for (const path of [
    ['podTemplate', 'metadata', 'annotations'],
    ['extraPodMetadata', 'annotations'],
  ]) {
    const annotations = mapAt(node, ...path);
    if (!annotations) continue;
    const kept = [...annotations.fields].filter(([name]) => !LOCAL.includes(name));
    if (kept.length === annotations.fields.size) continue;
    dropped.push(...[...annotations.fields.keys()].filter((name) => LOCAL.includes(name)));
    node = edit(node, path, () => (kept.length === 0 ? undefined : map(kept, annotations.origin)));
  }
  return { node, dropped };
}

function withImage(written: MapNode, choose: (image: string) => string, flag: string): MapNode {
  const set = (container: Node | undefined): Node | undefined => {
    const before = stringAt(container, 'image');
    if (container?.kind !== 'map' || before === undefined) return container;
    const after = choose(before);
    return after === before ? container : withField(container, 'image', scalar(after, { kind: 'flag', flag }));
  };
  const alpha = edit(written, ['extraPodSpec', 'mainContainer'], set);
  return edit(alpha, ['podTemplate', 'spec', 'containers'], (containers) =>
    containers?.kind === 'list'
      ? list(
          containers.items.map((item) => (stringAt(item, 'name') === 'main' ? (set(item) ?? item) : item)),
          containers.origin,
        )
      : containers,
  );
}

/** The map with what stands at the path changed; a path that is not there leaves it as it is, and a map that becomes empty goes. */
function edit(node: MapNode, path: readonly string[], change: (value: Node | undefined) => Node | undefined): MapNode {
  const [first, ...rest] = path;
  const child = first === undefined ? undefined : node.fields.get(first);
  if (first === undefined || child === undefined) return node;
  if (rest.length === 0) return withField(node, first, change(child));
  if (child.kind !== 'map') return node;
  const after = edit(child, rest, change);
  return withField(node, first, after.fields.size === 0 ? undefined : after);
}

function withComponents(graph: Graph, components: readonly GraphComponent[]): Graph {
  const spec =
    graph.apiVersion === 'nvidia.com/v1beta1'
      ? edit(graph.spec, ['components'], (node) =>
          list(
            components.map(({ written }) => written),
            node?.origin ?? graph.origin,
          ),
        )
      : edit(graph.spec, ['services'], (node) =>
          map(
            components.map(({ name, written }) => [name, written]),
            node?.origin ?? graph.origin,
          ),
        );
  return { ...graph, spec, components };
}
