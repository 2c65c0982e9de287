import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { stringAt } from '../model/node.ts';
import { countsFromFolder } from '../script/component-values.ts';
import { isPortOfInstance } from '../script/host-settings.ts';
import { withoutFlags } from '../script/launch-flags.ts';
import { leftOut } from './conversion.ts';
import { HostDevices } from './host-devices.ts';
import { HostPorts, movePort, movePorts } from './host-ports.ts';
import { inStartOrder } from './in-start-order.ts';
import { readScriptComponent, readScriptEnv, type ScriptComponent, type ScriptProcess } from './script-component.ts';
import { type ScriptFiles, scriptFiles } from './script-files.ts';
import { commandLines, comment, HTTP_PORT, scriptWord } from './script-words.ts';

/** Ports of workers on one host count up from these (the launch scripts of Dynamo; facts/deployment-yaml.md §6.3). */
const FIRST_SYSTEM_PORT = 8081;
const FIRST_SIDE_CHANNEL_PORT = 20_097;
const FIRST_HTTP_PORT = 8001;
const FRONTEND_HEALTH = `http://localhost:${HTTP_PORT}/health`;
const WORKERS: readonly (string | undefined)[] = ['worker', 'prefill', 'decode'];

interface Host {
  readonly graph: Graph;
  readonly ports: HostPorts;
  readonly devices: HostDevices;
  readonly files: ScriptFiles;
  /** Where the replicas of each component so far answer `/health`. */
  readonly health: Map<string, string[]>;
}

/**
 * A v1beta1 graph as a launch script: a process per replica and container, each with GPUs and ports of its own, as all of them share the
 * host. Recording the script gives the graph back, without what a script has no words for (in `diagnostics`).
 */
export function toScript(graph: Graph): { readonly text: string; readonly diagnostics: readonly Diagnostic[] } {
  const read = graph.components.map((component) => readScriptComponent(graph, component));
  const components = inStartOrder(read.flatMap(({ component }) => component ?? []));
  const files = scriptFiles(graph);
  const host: Host = { graph, ports: new HostPorts(), devices: new HostDevices(), files, health: new Map() };
  const blocks = components.flatMap((component) => componentBlocks(component, host));
  const shared = readScriptEnv(graph, graph.spec);
  const claims = [...graph.companions.claims].map(([name, node]) =>
    leftOut(`PersistentVolumeClaim ${name}`, node, 'a script finds the folders of its host', 'notice'),
  );
  const exports = [
    ...Object.entries(shared.env).map(([name, value]) => `export ${name}=${scriptWord(value)}`),
    ...shared.secrets.map((name) => `export ${fromCaller(name)}`),
  ];
  const body = [exports.join('\n'), ...files.lines(), ...blocks].filter((block) => block !== '');
  return {
    text: `${header(graph, components, host.devices.count, body).join('\n')}\n\n${body.join('\n\n')}\n\nwait -n\n`,
    diagnostics: [...shared.diagnostics, ...read.flatMap(({ diagnostics }) => diagnostics), ...claims],
  };
}

function header(
  graph: Graph,
  components: readonly ScriptComponent[],
  gpus: number,
  body: readonly string[],
): readonly string[] {
  const images = [...new Set(components.flatMap(({ image }) => image ?? []))];
  const needs = gpus === 0 ? '' : `, and ${gpus === 1 ? 'a GPU' : `${gpus} GPUs`}`;
  return [
    '#!/bin/bash',
    comment(`The processes of ${graph.name}. They need etcd and NATS on this machine${needs}.`),
    ...(images.length === 0 ? [] : [comment(`What they run is in ${images.join(', ')}.`)]),
    'set -e',
    "trap 'echo Cleaning up...; kill 0' EXIT",
    ...(body.some((block) => block.includes('"$SCRIPT_DIR"'))
      ? ['SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"']
      : []),
  ];
}

function componentBlocks(component: ScriptComponent, host: Host): readonly string[] {
  const waits = component.startAfter.flatMap((name) => host.health.get(name) ?? []).map(waitFor);
  const replicas = Array.from({ length: component.replicas }, (_, index) => {
    const before = component.startAfter.includes(component.name) ? host.health.get(component.name)?.at(-1) : undefined;
    return [...(before === undefined ? [] : [waitFor(before)]), ...replicaBlocks(component, index, host)];
  });
  const title = comment(
    component.replicas === 1 ? component.name : `${component.name}, ${component.replicas} replicas`,
  );
  const [first, ...rest] = replicas.flat();
  if (first === undefined) return [];
  return [...(waits.length > 0 ? [waits.join('\n')] : []), `${title}\n${first}`, ...rest];
}

function replicaBlocks(component: ScriptComponent, replica: number, host: Host): readonly string[] {
  // Where frontends listen is given out apart: to the first what the caller wants.
  const ports = host.ports.claimFor(component.processes.filter((process) => !isFrontend(process)));
  const count = component.processes.reduce((sum, { gpus }) => sum + gpus, 0);
  let devices = host.devices.take(count, component.gpuSlots.slice(replica * count, (replica + 1) * count));
  return component.processes.map((process, index) => {
    const own = devices.slice(0, process.gpus);
    devices = devices.slice(process.gpus);
    const isMain = index === component.processes.length - 1;
    return processBlock({ component, process, devices: own, ports, isMain }, host);
  });
}

function waitFor(url: string): string {
  return `until curl -sf ${scriptWord(url)} > /dev/null; do sleep 1; done`;
}

interface Placed {
  readonly component: ScriptComponent;
  readonly process: ScriptProcess;
  readonly devices: readonly string[];
  readonly ports: ReadonlyMap<number, number>;
  readonly isMain: boolean;
}

function processBlock(placed: Placed, host: Host): string {
  const { process, ports } = placed;
  const moved = isShell(process)
    ? process.argv.map((word) => inShell(word, placed, host))
    : movePorts(process.argv, ports);
  const words = moved.map((word) => onHost(word, placed, host));
  const command = commandLines(settings(placed, host), isFrontend(process) ? withHttpPort(words, placed, host) : words);
  return needsFolder(process) ? `(cd ${scriptWord(process.workingDir ?? '')} && ${command}) &` : `${command} &`;
}

function settings(placed: Placed, host: Host): readonly string[] {
  const { component, process, devices, ports, isMain } = placed;
  const isWorker = isMain && WORKERS.includes(component.type);
  const kept = Object.entries(process.env).filter(([name, value]) => !isOfCluster(name, value));
  const all: [string, string][] = devices.length > 0 ? [['CUDA_VISIBLE_DEVICES', devices.join(',')]] : [];
  if (isWorker) {
    const port = host.ports.claim(FIRST_SYSTEM_PORT);
    remember(host, component.name, `http://localhost:${port}/health`);
    all.push(['DYN_SYSTEM_PORT', String(port)]);
  }
  if (wantsSideChannel(process)) {
    // Each rank of tensor parallelism takes the next one.
    all.push([
      'VLLM_NIXL_SIDE_CHANNEL_PORT',
      String(host.ports.claim(FIRST_SIDE_CHANNEL_PORT, Math.max(1, devices.length))),
    ]);
  }
  for (const [name, value] of kept) {
    const port = isPortOfInstance(name) ? ports.get(Number(value)) : undefined;
    const here = port === undefined ? movePort(value, ports) : String(port);
    all.push([name, onHost(here, placed, host)]);
  }
  return [
    ...all.map(([name, value]) => `${name}=${value === '' ? "''" : scriptWord(value)}`),
    ...process.secrets.map(fromCaller),
  ];
}

function isFrontend({ argv }: ScriptProcess): boolean {
  return argv.includes('dynamo.frontend');
}

/** A text with the files where the script writes them, and the service of the frontend on this host (the operator's name for it, operator.md §3.3). */
function onHost(text: string, { component, process }: Placed, { files, graph }: Host): string {
  const written = files.rewrite(component.podSpec, process.container, text);
  return graph.components
    .filter((other) => stringAt(other.written, 'type') === 'frontend')
    .reduce(
      (rest, { name }) => rest.replaceAll(`${graph.name}-${name.toLowerCase()}:8000`, `localhost:${HTTP_PORT}`),
      written,
    );
}

/** A vLLM that has no port of its own for it; several in one shell have theirs in its text, or none. */
function wantsSideChannel({ argv, env }: ScriptProcess): boolean {
  const text = argv.join(' ');
  const engines = [...text.matchAll(/\bdynamo\.vllm\b/g)].length;
  return (
    engines === 1 && env.VLLM_NIXL_SIDE_CHANNEL_PORT === undefined && !text.includes('VLLM_NIXL_SIDE_CHANNEL_PORT=')
  );
}

/** Ports that are given anew, and how components find each other in a cluster: on a host it is etcd. */
function isOfCluster(name: string, value: string): boolean {
  return (
    ['DYN_HTTP_PORT', 'DYN_SYSTEM_PORT'].includes(name) || (name === 'DYN_DISCOVERY_BACKEND' && value === 'kubernetes')
  );
}

/** The first frontend listens where its caller says; the others beside it. */
function withHttpPort(words: readonly string[], { component, process }: Placed, host: Host): readonly string[] {
  const isFirst = ![...host.health.values()].flat().includes(FRONTEND_HEALTH);
  const port = isFirst ? HTTP_PORT : String(host.ports.claim(FIRST_HTTP_PORT));
  remember(host, component.name, isFirst ? FRONTEND_HEALTH : `http://localhost:${port}/health`);
  const module = process.argv.indexOf('dynamo.frontend') + 1;
  const rest = withoutFlags(words.slice(module), '--http-port');
  return [...words.slice(0, module), '--http-port', port, ...rest];
}

function remember({ health }: Host, component: string, url: string): void {
  health.set(component, [...(health.get(component) ?? []), url]);
}

/** A value that only the caller of the script has. */
function fromCaller(name: string): string {
  return `${name}="\${${name}:-}"`;
}

function isShell({ argv }: ScriptProcess): boolean {
  return /(?:^|\/)(?:ba)?sh$/.test(argv[0] ?? '');
}

/** The text that a shell of the container runs: devices count from 0 there, and its processes have ports of their own. */
function inShell(text: string, { devices, ports }: Placed, host: Host): string {
  const instances = text.replace(/\b([A-Z][A-Z_]*PORT\w*)=(\d+)/g, (written, name: string, port: string) =>
    isPortOfInstance(name) || name === 'DYN_SYSTEM_PORT' ? `${name}=${host.ports.claim(Number(port))}` : written,
  );
  const flags = instances.replace(
    /(--(?:[\w-]+-)?port[= ])(\d+)/g,
    (_, flag: string, port: string) => `${flag}${ports.get(Number(port)) ?? port}`,
  );
  return movePort(flags, ports).replace(/\bCUDA_VISIBLE_DEVICES=([\d,]+)/g, (_, inside: string) => {
    const own = inside.split(',').map((device) => devices[Number(device)] ?? device);
    return `CUDA_VISIBLE_DEVICES=${own.join(',')}`;
  });
}

/** Whether the folder decides what runs: a path in the arguments counts from it. */
function needsFolder({ argv, workingDir }: ScriptProcess): boolean {
  return workingDir !== undefined && countsFromFolder(argv);
}
