import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { readSystemErrorCode } from '../source/system-error-code.ts';
import { type Io, print } from './io.ts';

const BACKENDS = ['vllm', 'sglang', 'trtllm', 'mocker'];
const PATTERNS = ['agg', 'agg_router', 'disagg', 'disagg_router'];

interface InitFlags {
  readonly backend: string;
  readonly pattern: string;
  readonly output: string;
}

const SECRET = `# Your Hugging Face token, for models that need one. Keep it out of version control.
# dynamo up GRAPH -f secret.yaml; without it HF_TOKEN or your hf login is used.
apiVersion: v1
kind: Secret
metadata:
  name: hf-token-secret
stringData:
  HF_TOKEN: ""
`;

/** `dynamo init`: a graph, its launch script and a Secret to start from; writes over nothing. */
export function registerInit(program: Command, io: Io): void {
  program
    .command('init')
    .description('write a graph, a launch script and a Secret to start from')
    .option('--backend <engine>', BACKENDS.join(', '), 'vllm')
    .option('--pattern <pattern>', PATTERNS.join(', '), 'agg')
    .option('-o, --output <directory>', 'where to write them', '.')
    .action((flags: InitFlags) => init(flags, io));
}

function choose(flag: string, value: string, known: readonly string[]): string {
  if (known.includes(value)) return value;
  throw new UserError('INVALID_FLAG', `${flag}: "${value}" is not known`, {
    hint: `choose one of ${known.join(', ')}`,
  });
}

async function init(flags: InitFlags, io: Io): Promise<void> {
  const backend = choose('--backend', flags.backend, BACKENDS);
  const pattern = choose('--pattern', flags.pattern, PATTERNS);
  // The examples are what tests bring up, so they are what one starts from.
  const example = fileURLToPath(new URL(`launch/${backend}/${pattern}.yaml`, io.home));
  const [text, { loadGraph }, { toScript }] = await Promise.all([
    readFile(example, 'utf8'),
    import('../dgd/load-graph.ts'),
    import('../convert/to-script.ts'),
  ]);
  const { graph } = await loadGraph({ file: example, generation: '1.5' }, io.stdin, io.interrupted);
  const folder = resolve(io.cwd, flags.output);
  const script = join(folder, `${pattern}.sh`);
  await mkdir(folder, { recursive: true });
  await writeNew(join(folder, `${pattern}.yaml`), text);
  await writeNew(script, toScript(graph).text);
  await chmod(script, 0o755);
  const files = [join(flags.output, `${pattern}.yaml`), join(flags.output, `${pattern}.sh`)];
  if (backend !== 'mocker') {
    await writeNew(join(folder, 'secret.yaml'), SECRET);
    files.push(join(flags.output, 'secret.yaml'));
  }
  print(io, files.join('\n'));
}

async function writeNew(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (cause) {
    if (readSystemErrorCode(cause) !== 'EEXIST') throw cause;
    throw new UserError('FILE_EXISTS', `${path} is there already`, {
      exitCode: EXIT.usage,
      hint: 'choose another directory with -o DIR',
      cause,
    });
  }
}
