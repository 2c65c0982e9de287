import { type Command, Option } from 'commander';
import type { Kubectl } from '../cluster/kubectl.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import { imageChooser, overrideImage } from '../plan/image-overrides.ts';
import { addClusterFlags, type ClusterFlags } from './cluster-flags.ts';
import type { Io } from './io.ts';
import { operatorGeneration } from './operator-generation.ts';
import { type ReadGraphInput, readGraph } from './read-graph.ts';
import { addScriptFlags } from './script-flags.ts';

/** Flags of the verbs that hand a graph of a file to a cluster, or compare it with one. */
export interface ClusterGraphFlags extends ClusterFlags {
  readonly name?: string;
  readonly image?: readonly string[];
  readonly tag?: string;
  readonly operatorVersion?: string;
  readonly env?: readonly string[];
  readonly file?: readonly string[];
  readonly secret?: readonly string[];
  readonly workspace?: string;
  readonly trustScript?: boolean;
}

/** Adds them to a command. */
export function addClusterGraphFlags(command: Command): Command {
  const collect = (value: string, before: readonly string[] | undefined) => [...(before ?? []), value];
  return addScriptFlags(addClusterFlags(command))
    .option('--name <graph>', 'which graph of a file that holds several')
    .option('--operator-version <version>', 'operator generation of the cluster (default: by what it serves)')
    .addOption(new Option('--image <[component=]ref>', 'image in place of the file’s').argParser(collect))
    .option('--tag <tag>', 'tag to give every image of the file')
    .addOption(new Option('-f, --file <file>', 'more Secrets, ConfigMaps and claims').argParser(collect))
    .addOption(new Option('--secret <name=file>', 'Secret from a file, or NAME.KEY=VARIABLE').argParser(collect));
}

export interface ClusterGraph {
  readonly graph: Graph;
  readonly generation: OperatorGeneration;
  readonly diagnostics: readonly Diagnostic[];
  readonly isScript: boolean;
  /** Values that a launch script exports, by Secret and key. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The graph of a file as this cluster is to get it: its images, its API version, nothing local. Rejects with a UserError. */
export async function readClusterGraph(
  input: Pick<ReadGraphInput, 'file' | 'scriptArgs'>,
  flags: ClusterGraphFlags,
  kubectl: Kubectl,
  io: Io,
): Promise<ClusterGraph> {
  const [{ readServedVersions }, { fitGraph }, { toV1alpha1 }, { toV1beta1 }] = await Promise.all([
    import('../cluster/served-versions.ts'),
    import('../cluster/fit-graph.ts'),
    import('../convert/to-v1alpha1.ts'),
    import('../convert/to-v1beta1.ts'),
  ]);
  const served = await readServedVersions(kubectl);
  const generation =
    flags.operatorVersion === undefined ? served.generation : operatorGeneration(flags.operatorVersion);
  const chooser = imageChooser(flags.image);
  // Read as the newest reads it: what the cluster's own generation refuses is said of the converted graph.
  const read = await readGraph({ ...input, flags, generation: '1.5', image: chooser.choose }, io);
  chooser.check(read.graph.components);
  const images = { byComponent: chooser.byComponent, tag: flags.tag };
  const flag = flags.tag === undefined ? '--image' : '--tag';
  const fitted = fitGraph(read.graph, (written, component) => overrideImage(written, component, images), flag);
  const converted = served.versions.includes(fitted.graph.apiVersion)
    ? { graph: fitted.graph, diagnostics: [] }
    : (served.versions.includes('nvidia.com/v1beta1') ? toV1beta1 : toV1alpha1)(fitted.graph);
  return {
    graph: converted.graph,
    generation,
    diagnostics: [...read.diagnostics, ...fitted.diagnostics, ...converted.diagnostics],
    isScript: read.script !== undefined,
    secrets: read.script?.secrets ?? new Map(),
  };
}
