import type { Origin } from '../model/origin.ts';
import type { ClassifiedLaunch } from './classify-launch.ts';
import type { UnitGroup } from './group-launches.ts';
import type { Notes } from './interpret-notices.ts';
import type { LoopbackReference } from './loopback-links.ts';
import type { Recording } from './recording.ts';

export interface InterpretOptions {
  /** The script as people named it, for messages and origins; left out: its absolute path. */
  readonly file?: string;
  /** `metadata.name`; left out: `<backend>-<script>` as upstream names its files (rule 3). */
  readonly name?: string;
  /** `--image` by component and runtime (`vllm`); undefined: the image of its runtime at its version. */
  readonly image?: (component: string, runtime: string) => string | undefined;
  /** `--runtime-version` by component. */
  readonly runtimeVersion?: (component: string) => string | undefined;
  /** Where the image has the script's tree. */
  readonly workspace?: string;
}

/** What the steps of one interpretation look at. */
export interface InterpretContext {
  readonly recording: Recording;
  readonly options: InterpretOptions;
  readonly notes: Notes;
  readonly graphName: string;
  readonly groups: readonly UnitGroup[];
  readonly names: readonly string[];
  readonly references: readonly LoopbackReference[];
  readonly launches: readonly ClassifiedLaunch[];
  /** Secret values that launches export, with their variables. */
  readonly secretValues: ReadonlyMap<string, string>;
  /** Components that must be ready before another one starts. */
  readonly startAfter: ReadonlyMap<string, readonly string[]>;
  /** Contents by key, and the key of each file (see `configMapKey`). */
  readonly files: { readonly contents: ReadonlyMap<string, string>; readonly keys: ReadonlyMap<string, string> };
}

/** The line of a launch; the first of the script where there is none. */
export function originOf(
  { recording, options }: Pick<InterpretContext, 'recording' | 'options'>,
  launch: ClassifiedLaunch | undefined,
): Origin {
  const file = launch?.launch.file ?? options.file ?? recording.script;
  return { kind: 'file', at: { file, line: launch?.launch.line ?? 1, col: 1 } };
}
