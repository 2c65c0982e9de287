import type { OperatorGeneration } from '../model/origin.ts';
import type { RuntimeVersion } from '../model/runtime-facts.ts';

/** The newest runtime that each operator generation was released with (facts/versions.md). */
const OF_GENERATION: Readonly<Record<OperatorGeneration, string>> = {
  '0.4': '0.4.1',
  '0.6': '0.6.1',
  '1.1': '1.1.0',
  '1.5': '1.5.1',
};

/** Repositories whose tag is the version of the Dynamo runtime inside: NVIDIA's images and the CPU image of compose/images. */
const DYNAMO_REPOSITORY =
  /(?:^|\/)(?:(?:vllm|sglang|tensorrtllm|trtllm|dynamo)-(?:runtime|frontend|planner)(?:-[a-z0-9]+)?|dynamo-cpu)$/;

/** `[vV]?X.Y.Z[-pre][+build]`, as the operator reads tags: internal/runtimeversion (facts/operator.md §10.2). */
const SEMVER_TAG = /^[vV]?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:[-+].*)?$/;

/** The version that an image reference carries in its tag, when its repository is known to hold Dynamo; a digest is left out. */
export function versionOfImage(image: string): string | undefined {
  const name = image.split('@')[0] ?? image;
  const colon = name.lastIndexOf(':');
  if (colon <= name.lastIndexOf('/')) return undefined;
  if (!DYNAMO_REPOSITORY.test(name.slice(0, colon))) return undefined;
  const match = SEMVER_TAG.exec(name.slice(colon + 1));
  return match ? `${match[1]}.${match[2]}.${match[3]}` : undefined;
}

export interface RuntimeVersionSources {
  /** `--runtime-version` for the component. */
  readonly flag: string | undefined;
  /** The file's own `runtimeVersionOverride`. */
  readonly written: string | undefined;
  /** The image that will run, overrides applied. */
  readonly image: string;
  readonly generation: OperatorGeneration;
}

/** The runtime version of a component and why: flag, file, image tag, else the operator generation's (DESIGN: two version axes). */
export function runtimeVersionOf(sources: RuntimeVersionSources): RuntimeVersion {
  if (sources.flag !== undefined) return { version: sources.flag, why: '--runtime-version' };
  if (sources.written !== undefined) return { version: sources.written, why: 'runtimeVersionOverride' };
  const tag = versionOfImage(sources.image);
  if (tag !== undefined) return { version: tag, why: `the tag of ${sources.image}` };
  return {
    version: OF_GENERATION[sources.generation],
    why: `operator ${sources.generation}; ${sources.image} tells no version`,
  };
}
