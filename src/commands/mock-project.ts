import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { mockGraph, workerImages } from '../mock/mock-graph.ts';
import { TINY_MODEL, tinyModelConfigMap } from '../mock/mock-model.ts';
import { type Diagnostic, EXIT, UserError } from '../model/diagnostic.ts';
import type { Companions, Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import type { Runtime } from '../model/runtime.ts';
import type { RuntimeVersion } from '../model/runtime-facts.ts';
import { runtimeFacts } from '../operator/runtime-facts.ts';
import { runtimeVersionOf, versionOfImage } from '../operator/runtime-version.ts';
import { type ImageOverrides, isImageReference, overrideImage, valueFor } from '../plan/image-overrides.ts';
import { hubFolder } from './hugging-face.ts';
import type { Io } from './io.ts';
import { composeEnv } from './load-infra.ts';

export interface MockProjectInput {
  readonly graph: Graph;
  readonly resolved: ResolvedGraph;
  readonly images: ImageOverrides;
  /** `--runtime-version` */
  readonly versions: ReadonlyMap<string, string>;
  readonly generation: OperatorGeneration;
  readonly project: string;
  readonly runtime: Runtime;
  readonly io: Io;
}

/** A graph of mockers, and what the rest of the way to the plan must know of it. */
export interface MockedProject {
  readonly resolved: ResolvedGraph;
  readonly companions: Companions;
  /** What is left of `--image` and `--tag`: the mocked components have theirs. */
  readonly images: ImageOverrides;
  /** Of a mocked component; undefined for the others. */
  readonly versionOf: (component: ResolvedComponent) => RuntimeVersion | undefined;
  readonly notices: readonly Diagnostic[];
}

/** `--mock`: every worker a mocker, all on one image. Throws MOCK_IMAGE (exit 3) when this machine has none. */
export async function mockProject(input: MockProjectInput): Promise<MockedProject> {
  const { graph, resolved, images, io } = input;
  const { image, version } = await chooseImage(input);
  const hub = hubFolder(io.env, io.env.HOME ?? homedir());
  const {
    resolved: changed,
    mocked,
    notices,
  } = mockGraph(resolved, {
    image,
    runtime: runtimeFacts(version.version),
    findModel: (id) => findModel(hub, id),
  });
  const kept = changed.components.filter(({ name }) => !mocked.has(name)).map(({ name }) => name);
  return {
    resolved: changed,
    companions: {
      ...graph.companions,
      configMaps: new Map([...graph.companions.configMaps, [TINY_MODEL, tinyModelConfigMap()]]),
    },
    images: {
      byComponent: new Map(
        [...mocked, ...kept].flatMap((name): [string, string][] => {
          const own = mocked.has(name) ? image : valueFor(images.byComponent, name);
          return own === undefined ? [] : [[name, own]];
        }),
      ),
      tag: images.tag,
    },
    versionOf: ({ name }) => (mocked.has(name) ? version : undefined),
    notices,
  };
}

/** `--image` for all; else the first image of a worker that is here; else a CPU image, of the graph's own version where there is one. */
async function chooseImage(
  input: MockProjectInput,
): Promise<{ readonly image: string; readonly version: RuntimeVersion }> {
  const { images, versions, generation, runtime, project, io } = input;
  const versionOf = (image: string, component?: ResolvedComponent): RuntimeVersion =>
    runtimeVersionOf({
      // The version of an image that stands for another is its own.
      flag: versionOfImage(image) === undefined ? valueFor(versions, component?.name ?? '') : undefined,
      written: component?.runtimeVersionOverride,
      image,
      generation,
    });
  const forced = images.byComponent.get('');
  if (forced !== undefined) return { image: forced, version: versionOf(forced) };
  const workers = workerImages(input.resolved)
    .map(({ component, image }) => ({ component, image: overrideImage(image, component.name, images) }))
    .filter(({ image }) => isImageReference(image));
  const [first] = workers;
  const graphVersion =
    valueFor(versions, first?.component.name ?? '') ??
    images.tag ??
    versionOf(first?.image ?? '', first?.component).version;
  const built = (await composeEnv(io)).DYNAMO_CPU_IMAGE;
  const cpu = [`dynamo-cpu:${graphVersion}`, ...(built ? [built] : [])].filter(isImageReference);
  const { images: here } = await runtime.observe(
    project,
    [...new Set([...workers.map(({ image }) => image), ...cpu])],
    io.interrupted,
  );
  const own = workers.find(({ image }) => here.has(image));
  if (own) return { image: own.image, version: versionOf(own.image, own.component) };
  const image = cpu.find((reference) => here.has(reference));
  if (image !== undefined) return { image, version: versionOf(image) };
  throw new UserError('MOCK_IMAGE', 'no image with a mocker is on this machine', {
    exitCode: EXIT.preflight,
    hint: 'npm run bootstrap builds one; --image REF names another',
  });
}

/** The folder of a model in a hub cache, when the revision that it names has configuration and tokenizer. */
function findModel(hub: string, id: string): string | undefined {
  const folder = join(hub, `models--${id.replaceAll('/', '--')}`);
  try {
    const revision = readFileSync(join(folder, 'refs/main'), 'utf8').trim();
    const files = readdirSync(join(folder, 'snapshots', revision));
    const needed = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
    // Links to files that the cache has not kept are no files.
    const there = needed.every((file) => files.includes(file) && existsSync(join(folder, 'snapshots', revision, file)));
    return there ? folder : undefined;
  } catch {
    return undefined;
  }
}
