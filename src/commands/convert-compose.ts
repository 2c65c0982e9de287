import { readFile } from 'node:fs/promises';
import type { Conversion } from '../convert/conversion.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { Gpu } from '../model/host-inventory.ts';
import type { ObservedState } from '../model/observed-state.ts';
import { buildDesiredState, type LocalReplica } from '../plan/build-desired-state.ts';
import { ANY_ENGINE } from './any-engine.ts';
import { giveGpus } from './give-gpus.ts';
import type { GraphFlags } from './graph-flags.ts';
import type { Io } from './io.ts';
import { layOutProject } from './lay-out-project.ts';
import type { ProjectInput } from './load-project.ts';

/** Compose fills in the user's own. */
const CACHE = { path: '${HF_HOME:-${HOME}/.cache/huggingface}', owner: 0, open: true };

/** `convert --to compose`: the containers of `up` as a compose file; the same text for the same input on every machine. */
export async function convertCompose(
  input: ProjectInput,
  flags: GraphFlags & { readonly production?: boolean },
  io: Io,
): Promise<{ readonly text: string; readonly diagnostics: readonly Diagnostic[] }> {
  const machine = { engine: ANY_ENGINE, runtime: undefined, modelCache: CACHE };
  const change = flags.production ? await forProduction() : undefined;
  const laid = await layOutProject(input, flags, io, { ...machine, ...(change ? { change } : {}) });
  const gpus = numberGpus(laid.project, laid.replicas);
  const { desired } = buildDesiredState(laid.resolved, { ...laid.options, gpus });
  const [{ toCompose }, { readInfraHealthchecks }, { writeYaml }, infra] = await Promise.all([
    import('../convert/to-compose.ts'),
    import('../infra/infra-healthchecks.ts'),
    import('../convert/write-yaml.ts'),
    readFile(new URL('compose/infra.yaml', io.home), 'utf8'),
  ]);
  const { document, diagnostics } = toCompose(desired, readInfraHealthchecks(infra));
  return { text: writeYaml([document]), diagnostics: [...laid.notices(desired), ...diagnostics] };
}

/** `--production`, which knows the fields of v1beta1. */
async function forProduction(): Promise<(graph: Graph) => Conversion> {
  const [{ toV1beta1 }, { withoutTestFlags }] = await Promise.all([
    import('../convert/to-v1beta1.ts'),
    import('../convert/test-flags.ts'),
  ]);
  return (graph) => {
    const beta = toV1beta1(graph);
    const tests = withoutTestFlags(beta.graph);
    return { graph: tests.graph, diagnostics: [...beta.diagnostics, ...tests.diagnostics] };
  };
}

/** GPUs `0`, `1`, … in the order of the replicas, shared where the graph or `--share-gpus` says so. */
function numberGpus(project: string, replicas: readonly LocalReplica[]): ReadonlyMap<string, readonly string[]> {
  const count = replicas.reduce((sum, { gpuCount }) => sum + gpuCount, 0);
  if (count === 0) return new Map();
  const gpus = Array.from({ length: count }, (_, index): Gpu => {
    return { index, uuid: String(index), name: '', memoryTotalBytes: 0, memoryFreeBytes: 0, processes: [] };
  });
  const inventory = { gpus, driverVersion: undefined, problem: undefined };
  const observed: ObservedState = {
    project,
    containers: [],
    networks: [],
    volumes: [],
    images: new Map(),
    gpuHolds: [],
  };
  return giveGpus({ replicas, inventory, topology: undefined, observed, restrictTo: undefined });
}
