import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClassifiedLaunch } from './classify-launch.ts';
import { isPortOfInstance, useOfVariable } from './host-settings.ts';
import type { InterpretContext } from './interpret-context.ts';
import type { Notes } from './interpret-notices.ts';
import { flagValue } from './launch-flags.ts';
import type { RecordedFile } from './recording.ts';
import { type ComponentEnv, podText, secretSetting } from './secret-settings.ts';

/** Where frontends listen in their containers (facts/runtime.md §1.9). */
const FRONTEND_PORT = 8000;

/** Variables that stay with a launch; every drop is said once per name; `sharesNetwork`: its ports must differ. A router mode that is the frontend's only setting becomes one. */
export function keptEnv(
  context: InterpretContext,
  launch: ClassifiedLaunch,
  words: ReadonlySet<string>,
  sharesNetwork = false,
): readonly ComponentEnv[] {
  const entries = Object.entries(launch.launch.env).flatMap(([name, value]): readonly ComponentEnv[] => {
    const secret = secretSetting(name, context.graphName);
    if (secret !== undefined) return [secret];
    if (sharesNetwork && isPortOfInstance(name)) return [{ name, value }];
    const use = useOfVariable(name, value, launch, words);
    if (use.keep) return [{ name, value: rewriteText(context, launch, value) }];
    if (use.reason !== undefined)
      context.notes.say('notice', 'SETTING_DROPPED', `${name} is left out: ${use.reason}`, launch);
    return [];
  });
  const named = new Set(entries.map(({ name }) => name));
  const spoken = [...context.secretValues].flatMap(([value, name]): readonly ComponentEnv[] => {
    const isSpoken = !named.has(name) && launch.argv.some((word) => word.includes(value));
    return isSpoken ? [secretSetting(name, context.graphName)].flatMap((entry) => entry ?? []) : [];
  });
  if (launch.kind !== 'frontend') return [...entries, ...spoken];
  const port = flagValue(launch.argv, '--http-port');
  if (port !== undefined && port !== String(FRONTEND_PORT)) {
    context.notes.say(
      'notice',
      'SETTING_DROPPED',
      `--http-port ${port} is left out: frontends listen on ${FRONTEND_PORT} in their containers`,
      launch,
    );
  }
  const host = flagValue(launch.argv, '--http-host');
  if (host !== undefined && host !== '0.0.0.0')
    context.notes.say(
      'notice',
      'SETTING_DROPPED',
      `--http-host ${host} is left out: frontends listen on every address of their containers`,
      launch,
    );
  const mode = flagValue(launch.argv, '--router-mode');
  const rest = launch.argv.filter(
    (word, index) => index > 2 && word.startsWith('--') && !/^--(?:http-port|http-host|router-mode)(?:=|$)/.test(word),
  );
  if (mode === undefined || rest.length > 0) return [...entries, ...spoken];
  const own = [...entries, ...spoken].filter((entry) => entry.name !== 'DYN_ROUTER_MODE');
  return [...own, { name: 'DYN_ROUTER_MODE', value: mode }].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What every launch exports alike goes to the graph. */
export function sharedEnv(all: readonly (readonly ComponentEnv[])[]): readonly ComponentEnv[] {
  if (all.length < 2) return [];
  return (all[0] ?? []).filter((entry) =>
    all.every((entries) => entries.some((other) => isDeepStrictEqual(other, entry))),
  );
}

export function rewriteWords(context: InterpretContext, launch: ClassifiedLaunch): readonly string[] {
  return launch.argv.map((word, index) => (index === 0 ? word : rewriteText(context, launch, word)));
}

/** Where files that the script wrote into its own tree stand in the containers: the tree there is read-only, or the image's. */
const WRITTEN_FILES = '/opt/launch-files';

/** Where a file that the script wrote for this launch stands in the containers. */
export function mountPathOf({ recording, files }: InterpretContext, file: RecordedFile): string {
  const inTree = [recording.tree, '/workspace'].some((root) => file.path.startsWith(`${root}/`));
  return inTree ? `${WRITTEN_FILES}/${files.keys.get(fileId(file))}` : file.path;
}

/** The key of a file in the ConfigMap; undefined for one that is too large. A path that is written anew for the next process is another file. */
export function configMapKey({ files }: InterpretContext, file: RecordedFile): string | undefined {
  return files.keys.get(fileId(file));
}

function fileId({ path, content }: RecordedFile): string {
  return JSON.stringify([path, content]);
}

function toWrittenFile(context: InterpretContext, launch: ClassifiedLaunch, text: string): string {
  let result = text;
  for (const file of launch.launch.files.toSorted((a, b) => b.path.length - a.path.length)) {
    const target = mountPathOf(context, file);
    if (target === file.path) continue;
    if (posix.resolve(launch.launch.cwd, result) === file.path) return target;
    result = result.replaceAll(file.path, target);
  }
  return result;
}

/** Paths of the script's tree become those of the workspace in the image; addresses of the frontend become its service. */
function rewriteText(context: InterpretContext, launch: ClassifiedLaunch, text: string): string {
  const { references, names, groups, graphName } = context;
  const ours = references.filter((reference) => reference.from === launch.index && text.includes(reference.address));
  const addressed = ours.reduce(
    (result, { address, to }) => {
      const group = groups.findIndex(({ units }) => units.some((unit) => unit.main.index === to));
      const target = group < 0 ? undefined : groups[group];
      if (target === undefined || target.first.main.kind !== 'frontend') return result;
      return result.replaceAll(address, `${graphName}-${(names[group] ?? '').toLowerCase()}:${FRONTEND_PORT}`);
    },
    toWrittenFile(context, launch, text),
  );
  return podText(toWorkspace(context, addressed), context.secretValues);
}

function toWorkspace({ recording, options }: InterpretContext, text: string): string {
  const workspace = options.workspace ?? '/workspace';
  const moved = text.replaceAll(`${recording.tree}/`, `${workspace}/`);
  return moved.includes(`${workspace}/`)
    ? moved.replace(/\/[^\s"':=]*\/\.\.?(?:\/[^\s"':=]*|$)/g, (path) => posix.normalize(path))
    : moved;
}

/** Whether a command means something else in another directory: a relative path, or a module that only the tree has. */
export function countsFromFolder(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      index > 0 &&
      (/^(?:\.{1,2}\/)?[\w-][\w./-]*\.(?:py|ya?ml|json|jinja|toml)$/.test(word) ||
        (argv[index - 1] === '-m' && /^(?:examples|components)\./.test(word))),
  );
}

/** Set where an argument is relative to it. */
export function workingDirectory(context: InterpretContext, launch: ClassifiedLaunch): string | undefined {
  // Files that the script wrote stand elsewhere, whatever the directory.
  if (!countsFromFolder(rewriteWords(context, launch))) return undefined;
  const { cwd } = launch.launch;
  return cwd === context.recording.tree ? (context.options.workspace ?? '/workspace') : toWorkspace(context, cwd);
}

export function collectFiles(launches: readonly ClassifiedLaunch[], notes: Notes): InterpretContext['files'] {
  const contents = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const launch of launches) {
    for (const file of launch.launch.files) {
      const { path, content } = file;
      if (keys.has(fileId(file))) continue;
      if (content === undefined) {
        notes.say(
          'warning',
          'FILE_TOO_LARGE',
          `${path}, written by the script, is larger than a ConfigMap may be`,
          launch,
        );
        continue;
      }
      const base = (path.split('/').at(-1) ?? 'file').replace(/[^\w.-]/g, '_');
      const key = contents.has(base) ? `${keys.size}-${base}` : base;
      contents.set(key, content);
      keys.set(fileId(file), key);
    }
  }
  return { contents, keys };
}
