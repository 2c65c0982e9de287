import { type Command, Option } from 'commander';
import { type MapNode, map, type Node, toJson } from '../model/node.ts';
import { addClusterFlags, type ClusterFlags, connectCluster } from './cluster-flags.ts';
import { type Io, print, printJson } from './io.ts';

interface ExportFlags extends ClusterFlags {
  readonly format: string;
}

/** `dynamo export`: a graph of a cluster as a file that `up` runs here. */
export function registerExport(program: Command, io: Io): void {
  addClusterFlags(
    program
      .command('export')
      .description('write a graph of a cluster as a file that up runs here')
      .argument('<graph>', 'its name there'),
  )
    .addOption(new Option('--format <format>').choices(['yaml', 'json']).default('yaml'))
    .action(async (name: string, flags: ExportFlags) => {
      const [{ getGraph }, { orderContainer }, { writeYaml }] = await Promise.all([
        import('../cluster/get-graph.ts'),
        import('../convert/order-fields.ts'),
        import('../convert/write-yaml.ts'),
      ]);
      const kubectl = await connectCluster(flags, io);
      const graph = orderMaps(await getGraph(kubectl, { name, namespace: flags.namespace }), orderContainer);
      if (flags.format === 'json') return printJson(io, toJson(graph));
      print(io, writeYaml([graph]));
    });
}

/** The API server writes fields by the alphabet; people write what a thing is first. */
function orderMaps(node: MapNode, order: (node: MapNode) => MapNode): MapNode {
  const visit = (child: Node): Node => {
    if (child.kind === 'map') return orderMaps(child, order);
    return child.kind === 'list' ? { ...child, items: child.items.map(visit) } : child;
  };
  return order(
    map(
      [...node.fields].map(([name, child]) => [name, visit(child)]),
      node.origin,
    ),
  );
}
