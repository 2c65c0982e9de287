import type { Graph, GraphComponent } from '../model/graph.ts';
import { list, type MapNode, mapAt, scalar, stringAt, withField } from '../model/node.ts';

export interface GraphOverrides {
  /** The image of a component's main container in place of the written one. */
  readonly image: (written: string, component: string) => string;
  /** Replicas in place of the written ones; undefined: as written. */
  readonly replicas: (component: string) => number | undefined;
}

/** A v1beta1 graph with what the command line says in place of what the file says. */
export function overrideGraph(graph: Graph, overrides: GraphOverrides): Graph {
  const components = graph.components.map((component) => overrideComponent(component, overrides));
  const written = list(
    components.map((component) => component.written),
    graph.origin,
  );
  return { ...graph, components, spec: withField(graph.spec, 'components', written) };
}

function overrideComponent(component: GraphComponent, { image, replicas }: GraphOverrides): GraphComponent {
  const count = replicas(component.name);
  const scaled =
    count === undefined
      ? component.written
      : withField(component.written, 'replicas', scalar(count, { kind: 'flag', flag: '--scale' }));
  return { ...component, written: withImage(scaled, (written) => image(written, component.name)) };
}

function withImage(written: MapNode, choose: (image: string) => string): MapNode {
  const template = mapAt(written, 'podTemplate');
  const spec = mapAt(template, 'spec');
  const containers = spec?.fields.get('containers');
  if (!template || !spec || containers?.kind !== 'list') return written;
  const items = containers.items.map((item) => {
    const before = stringAt(item, 'image');
    if (item.kind !== 'map' || before === undefined || stringAt(item, 'name') !== 'main') return item;
    const after = choose(before);
    return after === before ? item : withField(item, 'image', scalar(after, { kind: 'flag', flag: '--image' }));
  });
  const changed = withField(spec, 'containers', { ...containers, items });
  return withField(written, 'podTemplate', withField(template, 'spec', changed));
}
