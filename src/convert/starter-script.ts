import type { Graph, GraphComponent } from '../model/graph.ts';
import { itemsAt, type MapNode, mapAt, numberAt, stringAt, stringsAt } from '../model/node.ts';

/** Ports of workers on one host count up from these (the launch scripts of Dynamo). */
const FIRST_SYSTEM_PORT = 8081;
const FIRST_SIDE_CHANNEL_PORT = 20_097;

/** The port on which an engine publishes KV events, in its JSON flag. */
const EVENT_PORT = /(tcp:\/\/\*:)(\d+)/g;

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function mainOf({ written }: GraphComponent): MapNode | undefined {
  return mapAt(written, 'podTemplate', 'spec', 'containers', 0);
}

/** `events` is what the ports of KV events are moved by, for workers beside the first. */
function launchLine(component: GraphComponent, before: readonly string[], events = 0): string {
  const main = mainOf(component);
  const variables = itemsAt(main, 'env').map(
    (item) => `${stringAt(item, 'name') ?? ''}=${quote(stringAt(item, 'value') ?? '')}`,
  );
  const command = stringsAt(main, 'command') ?? ['python3', '-m', 'dynamo.frontend'];
  const words = [...command, ...(stringsAt(main, 'args') ?? [])].map((word) =>
    quote(word.replace(EVENT_PORT, (_, address: string, port: string) => `${address}${Number(port) + events}`)),
  );
  return `${[...before, ...variables, ...words].join(' ')} &`;
}

/** A v1beta1 graph of one container per component as a launch script: one line per replica, each worker on GPUs and a port of its own. */
export function starterScript(graph: Graph): string {
  let gpu = 0;
  let worker = 0;
  const lines = graph.components.flatMap((component) => {
    if (stringAt(component.written, 'type') === 'frontend') return [launchLine(component, [])];
    const count = Number(stringAt(mainOf(component), 'resources', 'limits', 'nvidia.com/gpu') ?? 0);
    return Array.from({ length: numberAt(component.written, 'replicas') ?? 1 }, () => {
      const devices = Array.from({ length: count }, () => gpu++).join(',');
      const index = worker++;
      const isVllm = stringsAt(mainOf(component), 'command')?.includes('dynamo.vllm') ?? false;
      const before = [
        ...(count > 0 ? [`CUDA_VISIBLE_DEVICES=${devices}`] : []),
        `DYN_SYSTEM_PORT=${FIRST_SYSTEM_PORT + index}`,
        ...(isVllm ? [`VLLM_NIXL_SIDE_CHANNEL_PORT=${FIRST_SIDE_CHANNEL_PORT + index}`] : []),
      ];
      return launchLine(component, before, index);
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
