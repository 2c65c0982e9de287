import type { Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, mapAt, numberAt, stringAt, stringsAt } from '../model/node.ts';

/** System ports of workers on one host begin here (the launch scripts of Dynamo). */
const FIRST_SYSTEM_PORT = 8081;

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function mainOf({ written }: GraphComponent): MapNode | undefined {
  return mapAt(written, 'podTemplate', 'spec', 'containers', 0);
}

function launchLine(component: GraphComponent, before: readonly string[]): string {
  const main = mainOf(component);
  const variables = itemsAt(main, 'env').map(
    (item) => `${stringAt(item, 'name') ?? ''}=${quote(stringAt(item, 'value') ?? '')}`,
  );
  const command = stringsAt(main, 'command') ?? ['python3', '-m', 'dynamo.frontend'];
  const words = [...command, ...(stringsAt(main, 'args') ?? [])].map(quote);
  return `${[...before, ...variables, ...words].join(' ')} &`;
}

/** A v1beta1 graph of one container per component as a launch script: one line per replica, each worker on GPUs and a port of its own. */
export function starterScript(graph: Graph): string {
  let gpu = 0;
  let port = FIRST_SYSTEM_PORT;
  const lines = graph.components.flatMap((component) => {
    if (stringAt(component.written, 'type') === 'frontend') return [launchLine(component, [])];
    const count = Number(stringAt(mainOf(component), 'resources', 'limits', 'nvidia.com/gpu') ?? 0);
    return Array.from({ length: numberAt(component.written, 'replicas') ?? 1 }, () => {
      const devices = Array.from({ length: count }, () => gpu++).join(',');
      const before = [...(count > 0 ? [`CUDA_VISIBLE_DEVICES=${devices}`] : []), `DYN_SYSTEM_PORT=${port++}`];
      return launchLine(component, before);
    });
  });
  return `#!/bin/bash
# The processes of ${graph.name}.
set -e
trap 'echo Cleaning up...; kill 0' EXIT

${lines.join('\n\n')}

wait -n
`;
}
