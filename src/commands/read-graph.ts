import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Diagnostic, throwOnErrors, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { Node } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { Recording } from '../script/recording.ts';
import type { Io } from './io.ts';
import { addSecrets, readSecrets } from './read-secrets.ts';
import { readScriptEnv, type ScriptFlags } from './script-flags.ts';

export interface ReadGraphInput {
  /** YAML file, launch script, or `-` for YAML on stdin. */
  readonly file: string;
  /** What stands behind `--`. */
  readonly scriptArgs: readonly string[];
  readonly flags: ScriptFlags & {
    readonly name?: string;
    /** `-f`: more files with companions. */
    readonly file?: readonly string[];
    readonly secret?: readonly string[];
  };
  readonly generation: OperatorGeneration;
  /** It runs on this host: files of a script's tree are where they are. */
  readonly onHost?: boolean;
  /** It is only rendered: what a cluster would refuse is a warning. */
  readonly lenient?: boolean;
  /** `--image` and `--runtime-version` by component, as a script's components need them. */
  readonly image?: (component: string, runtime: string) => string | undefined;
  readonly runtimeVersion?: (component: string) => string | undefined;
}

/** What a launch script says beyond its graph. */
export interface ScriptFacts {
  readonly recording: Recording;
  /** Components that the script waits for before it starts another. */
  readonly startAfter: ReadonlyMap<string, readonly string[]>;
  /** Lines of the launches of each component. */
  readonly lines: ReadonlyMap<string, readonly number[]>;
  /** Values that the graph only refers to, by Secret and key. */
  readonly secrets: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** `--workspace`: where the images have the script's tree. */
  readonly workspace: string;
  /** The tree has files there that the graph names: the containers must be given it. */
  readonly mountsTree: boolean;
}

export interface GraphInput {
  readonly graph: Graph;
  /** Warnings and notices. */
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined for YAML. */
  readonly script: ScriptFacts | undefined;
}

const DEFAULT_WORKSPACE = '/workspace';

/**
 * The graph of FILE, whether it is written as YAML or as a launch script, which is recorded and interpreted. Throws a UserError (exit 2)
 * with every problem of the input; for a script that cannot be locked in, ROOM_UNAVAILABLE.
 */
export async function readGraph(input: ReadGraphInput, io: Io): Promise<GraphInput> {
  const secrets = await readSecrets(input.flags.secret ?? [], io.env);
  const read = await ((await isScript(input.file)) ? readScript(input, io) : readYaml(input, io));
  return { ...read, graph: { ...read.graph, companions: addSecrets(read.graph.companions, secrets) } };
}

async function readYaml(input: ReadGraphInput, io: Io): Promise<GraphInput> {
  const { flags } = input;
  const misplaced =
    input.scriptArgs.length > 0
      ? '--'
      : flags.env !== undefined
        ? '-e'
        : flags.trustScript
          ? '--trust-script'
          : flags.workspace !== undefined
            ? '--workspace'
            : undefined;
  if (misplaced !== undefined) {
    throw new UserError('FLAG_OF_SCRIPTS', `${misplaced} is for launch scripts, and ${input.file} is none`, {
      hint: 'variables for every component are given with --env-file',
    });
  }
  const { loadGraph } = await import('../dgd/load-graph.ts');
  const { file, generation } = input;
  const loaded = await loadGraph(
    {
      file,
      generation,
      lenient: input.lenient ?? false,
      companionFiles: flags.file ?? [],
      ...(flags.name ? { name: flags.name } : {}),
    },
    io.stdin,
    io.interrupted,
  );
  return { ...loaded, script: undefined };
}

const SCRIPT_NAME = /\.(?:sh|bash)$/;

/** By its name or by its first two bytes; pipes are not looked into: they can be read only once. */
async function isScript(file: string): Promise<boolean> {
  if (SCRIPT_NAME.test(file)) return true;
  if (file === '-' || /\.(?:ya?ml|json)$/.test(file)) return false;
  const handle = await open(file).catch(() => undefined);
  try {
    if (!(await handle?.stat())?.isFile()) return false;
    const { bytesRead, buffer } = (await handle?.read(Buffer.alloc(2), 0, 2, 0)) ?? { bytesRead: 0, buffer: '' };
    return bytesRead === 2 && buffer.toString() === '#!';
  } finally {
    await handle?.close();
  }
}

async function readScript(input: ReadGraphInput, io: Io): Promise<GraphInput> {
  const { flags, image, runtimeVersion } = input;
  const [{ recordInRoom }, { interpretRecording }] = await Promise.all([
    import('./record-in-room.ts'),
    import('../script/interpret-recording.ts'),
  ]);
  const inImage = (flags.workspace ?? DEFAULT_WORKSPACE).replace(/\/+$/, '');
  if (!inImage.startsWith('/'))
    throw new UserError('INVALID_FLAG', `--workspace ${inImage} is no absolute directory of an image`);
  const recording = await recordInRoom(
    {
      file: input.file,
      args: input.scriptArgs,
      env: readScriptEnv(flags, io),
      trusted: flags.trustScript ?? false,
    },
    io,
  );
  const workspace = input.onHost ? recording.tree : inImage;
  const { graph, startAfter, lines, secrets, diagnostics } = interpretRecording(recording, {
    file: input.file,
    workspace,
    ...(flags.name ? { name: flags.name } : {}),
    ...(image ? { image } : {}),
    ...(runtimeVersion ? { runtimeVersion } : {}),
  });
  throwOnErrors(diagnostics);
  const mountsTree = namesFilesOf(recording.tree, workspace, graph);
  return { graph, diagnostics, script: { recording, startAfter, lines, secrets, workspace, mountsTree } };
}

/** Whether a path of the workspace that the graph names is there in the tree; what is not must be in the image. */
function namesFilesOf(tree: string, workspace: string, graph: Graph): boolean {
  const texts = textsOf(graph.spec);
  return texts.some((text) =>
    [...text.matchAll(/[^\s"'=,:]+/g)].some(
      ([path]) =>
        path === workspace ||
        (path.startsWith(`${workspace}/`) && existsSync(join(tree, path.slice(workspace.length)))),
    ),
  );
}

function textsOf(node: Node): readonly string[] {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string' ? [node.value] : [];
    case 'list':
      return node.items.flatMap(textsOf);
    case 'map':
      return [...node.fields.values()].flatMap(textsOf);
  }
}
