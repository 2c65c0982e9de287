import { type MapNode, mapAt, numberAt, stringAt, stringsAt } from '../model/node.ts';
import { mapsAt, nameOf } from './edit-node.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';

/** `[vV]?X.Y.Z[-pre][+build]` without leading zeros [150 internal/runtimeversion:17]. */
const VERSION_TAG =
  /^[vV]?(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** True when the image's tag is a semantic version; a digest behind it does not count. */
export function hasVersionTag(image: string): boolean {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') && VERSION_TAG.test(name.slice(colon + 1));
}

/** 1.5 admits no component whose runtime version it cannot tell; a local run needs none. */
export function reportRuntimeVersion(context: GraphContext, component: MapNode, main: MapNode | undefined): void {
  const image = stringAt(main, 'image');
  if (!image || hasVersionTag(image) || stringAt(component, 'runtimeVersionOverride')) return;
  reportFinding(context, {
    severity: 'notice',
    code: 'NO_RUNTIME_VERSION',
    message: `operator 1.5 would refuse ${nameOf(component)}: the tag of ${image} is no semantic version`,
    origin: main?.fields.get('image')?.origin,
    hint: 'set runtimeVersionOverride, or a version tag',
  });
}

/** Pods per replica; more than one needs Grove or LWS, without which a cluster refuses the whole graph [102 :354, 150 dgd_component_program.go:99]. */
export function readNodeCount(context: GraphContext, name: string, component: MapNode): number {
  const multinode = mapAt(component, 'multinode');
  const count = numberAt(multinode, 'nodeCount') ?? 1;
  if (count <= 1) return 1;
  reportFinding(context, {
    code: 'NO_MULTINODE_ORCHESTRATOR',
    message: `no multinode orchestrator available: ${name} wants ${count} nodes, which needs Grove or LeaderWorkerSet`,
    origin: multinode?.origin,
  });
  return count;
}

/** Kubernetes refuses a Deployment whose container names no image. */
export function reportMissingImages(context: GraphContext, name: string, podSpec: MapNode, at: MapNode): void {
  for (const container of mapsAt(podSpec, 'containers')) {
    if (stringAt(container, 'image')) continue;
    reportFinding(context, {
      code: 'IMAGE_MISSING',
      message: `${name}: the container "${nameOf(container)}" has no image`,
      origin: container.origin.kind === 'file' ? container.origin : at.origin,
      hint: 'write one, or give it with --image',
    });
  }
}

/** `checkpoint` needs the snapshot agent, which the platform chart leaves off. */
export function reportCheckpoint(context: GraphContext, name: string, checkpoint: MapNode | undefined): void {
  if (!checkpoint) return;
  reportFinding(context, {
    code: 'CHECKPOINT_DISABLED',
    message: `component ${name}: checkpoint functionality is disabled in the operator configuration`,
    origin: checkpoint.origin,
  });
}

/** An inter-pod GPU memory service keeps the weights in a pod of its own, which only Grove makes [150 failover.go:44]. */
export function reportInterPod(context: GraphContext, name: string, gms: MapNode): void {
  reportFinding(context, {
    code: 'GMS_INTER_POD',
    message: `${name}: an inter-pod GPU memory service keeps the weights in a pod of its own, which only Grove makes`,
    origin: gms.fields.get('mode')?.origin ?? gms.origin,
    hint: 'the intra-pod mode needs no Grove',
  });
}

/** Options of vLLM that together ask for elastic expert parallelism; the short form is vLLM's own alias. */
const ELASTIC = /(?:^|\s)--enable-elastic-ep(?:\s|$)/;
const RAY_BACKEND = /(?:^|\s)(?:--data-parallel-backend|-dpb)[\s=]+ray(?:\s|$)/;

/** True for a vLLM engine of elastic expert parallelism over Ray. */
export function isElasticEngine(main: MapNode | undefined): boolean {
  const commandLine = [...(stringsAt(main, 'command') ?? []), ...(stringsAt(main, 'args') ?? [])].join(' ');
  return ELASTIC.test(commandLine) && RAY_BACKEND.test(commandLine);
}

/** 1.5 starts such an engine behind a Ray head [150 backend_vllm.go:83-114]; here the written command stays as it is. */
export function reportElasticEngine(context: GraphContext, name: string, main: MapNode | undefined): void {
  if (!isElasticEngine(main)) return;
  reportFinding(context, {
    severity: 'notice',
    code: 'ELASTIC_EP_WITHOUT_RAY_HEAD',
    message: `${name}: operator 1.5 starts a Ray head before an engine with --enable-elastic-ep, which is left out`,
    origin: main?.fields.get('args')?.origin ?? main?.origin,
  });
}
