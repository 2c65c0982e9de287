import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Launch, RecordedFile, Recording } from './recording.ts';
import { isBelow } from './script-tree.ts';

/** What configures an engine; nothing else of the host is read, whatever a script names. */
const CONFIG = /\.(?:ya?ml|json|jinja2?|toml|cfg|ini)$/;
const FILE_BYTES = 1024 * 1024;
/** Folders that only a checkout of Dynamo has: its images have that tree at /workspace. */
const DYNAMO_TREE: readonly string[] = ['components/src/dynamo', 'lib/bindings', 'examples/backends'];

/**
 * Adds the configuration files that launches name and no image has (rule 9 of facts/deployment-yaml.md §6.3): those of the host, and
 * those of the script's own tree where it is no checkout of Dynamo. Each is said; what is too large for a ConfigMap is a warning.
 */
export function withHostFiles(recording: Recording): Recording {
  const inImage = DYNAMO_TREE.some((folder) => existsSync(join(recording.tree, folder)));
  const notices: Diagnostic[] = [];
  const launches = recording.launches.map((launch): Launch => {
    const own = launch.files.map(({ path }) => path);
    const files = namedFiles(launch)
      .filter((path) => !own.includes(path) && !(inImage && isBelow(path, recording.tree)))
      .flatMap((path): readonly RecordedFile[] => {
        const read = readText(path);
        if (read === undefined) return [];
        const at = { file: launch.file ?? recording.script, line: launch.line, col: 1 };
        const isSaid = notices.some(({ message }) => message.startsWith(`${path} `));
        if (!isSaid && read.content !== undefined)
          notices.push({
            severity: 'notice',
            code: 'FILE_INCLUDED',
            message: `${path} goes along as a ConfigMap: no image has it`,
            at,
          });
        return [read];
      });
    return files.length === 0 ? launch : { ...launch, files: [...launch.files, ...files] };
  });
  return { ...recording, launches, notices: [...recording.notices, ...notices] };
}

/** Absolute paths of configuration files among the arguments and the values of the launch. */
function namedFiles({ argv, env, cwd }: Launch): readonly string[] {
  const words = [...argv.slice(1), ...Object.values(env)].flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]);
  const paths = words.filter((word) => CONFIG.test(word)).map((word) => resolve(cwd, word));
  return [...new Set(paths)].filter((path) => !path.startsWith('/workspace/'));
}

/** Undefined for what is not there, is no text or may not be read; without content where it is too large. */
function readText(path: string): RecordedFile | undefined {
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES) return { path, content: undefined };
    const content = readFileSync(path, 'utf8');
    return content.includes('\0') ? undefined : { path, content };
  } catch {
    return undefined;
  }
}
