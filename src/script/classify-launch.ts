import { flagValue, hasFlag } from './launch-flags.ts';
import type { Launch } from './recording.ts';

export type Backend = 'vllm' | 'sglang' | 'trtllm';

type LaunchKind =
  | 'frontend'
  | 'router'
  | 'planner'
  | 'worker'
  | 'mocker'
  /** An engine's own server, which a Dynamo sidecar speaks to. */
  | 'engine'
  | 'sidecar'
  | 'infrastructure'
  | 'helper'
  /** A container, a cluster launcher: not a process of one container. */
  | 'foreign'
  | 'unknown';

type Role = 'prefill' | 'decode' | 'encode' | undefined;

export interface ClassifiedLaunch {
  readonly launch: Launch;
  readonly index: number;
  readonly kind: LaunchKind;
  readonly backend: Backend | undefined;
  readonly role: Role;
  /** `dynamo.vllm`, `vllm-rs`, `worker.py`: what people call it. */
  readonly program: string;
  /** What a container runs: the launch without what only a host needs (`uv run`). */
  readonly argv: readonly string[];
}

/** Takes requests apart for the workers behind it, on the CPU. */
export function isProcessor({ argv, program }: Pick<ClassifiedLaunch, 'argv' | 'program'>): boolean {
  return hasFlag(argv, '--multimodal-processor') || /processor/.test(program);
}

const PYTHON = /(?:^|\/)(?:python|pypy)[\d.]*$/;
const WRAPPERS: readonly string[] = ['numactl', 'taskset', 'nsys', 'trtllm-llmapi-launch'];
const FOREIGN: readonly string[] = [
  'docker',
  'podman',
  'mpirun',
  'mpiexec',
  'srun',
  'torchrun',
  'ray',
  'kubectl',
  'minio',
  'ssh',
];

/** Says what a launch is, by its module or program and its flags; positions (foreground, prefill beside it) are looked at by the caller. */
export function classifyLaunch(launch: Launch, index: number): ClassifiedLaunch {
  const argv = withoutRunner(launch.argv);
  const inner = unwrap(argv);
  const program = programOf(inner);
  const kind = kindOf(program, inner);
  return {
    launch,
    index,
    kind,
    backend: backendOf(program),
    role: kind === 'frontend' ? undefined : roleOf(inner, program),
    program,
    argv,
  };
}

/** Options of `uv run` that a value follows (docs.astral.sh/uv/reference/cli, "uv run"). */
const UV_VALUES: ReadonlySet<string> = new Set([
  ...['--extra', '--no-extra', '--group', '--no-group', '--only-group', '--with', '-w', '--with-editable'],
  ...['--with-requirements', '--env-file', '--python', '-p', '--python-platform', '--package', '--project'],
  ...['--directory', '--index', '--default-index', '--index-url', '-i', '--extra-index-url', '--find-links', '-f'],
  ...['--index-strategy', '--keyring-provider', '--resolution', '--prerelease', '--exclude-newer', '--link-mode'],
  ...['--config-file', '--config-setting', '-C', '--cache-dir', '--color', '--allow-insecure-host'],
  ...[
    '--refresh-package',
    '--reinstall-package',
    '--upgrade-package',
    '-P',
    '--no-build-package',
    '--no-binary-package',
  ],
]);

/** Others that run a command in an environment of their own, without options that real scripts use. */
const RUNNERS: readonly string[] = ['poetry', 'pipenv', 'pdm', 'hatch', 'rye'];

/** What `uv run` and its like run: the image has its packages where they belong. */
function withoutRunner(argv: readonly string[]): readonly string[] {
  if (RUNNERS.includes(baseName(argv[0])) && argv[1] === 'run' && argv.length > 2) return argv.slice(2);
  if (baseName(argv[0]) !== 'uv' || argv[1] !== 'run') return argv;
  let start = 2;
  let isModule = false;
  for (; start < argv.length; start += 1) {
    const word = argv[start] ?? '';
    if (word === '--') {
      start += 1;
      break;
    }
    if (!word.startsWith('-')) break;
    if (word === '-m' || word === '--module') isModule = true;
    if (UV_VALUES.has(word)) start += 1;
  }
  const command = argv.slice(start);
  if (command.length === 0) return argv;
  return isModule ? ['python3', '-m', ...command] : command;
}

/** The command behind `numactl --flags` and the like. */
function unwrap(argv: readonly string[]): readonly string[] {
  if (!WRAPPERS.includes(baseName(argv[0]))) return argv;
  const start = argv.findIndex(
    (word, index) => index > 0 && (PYTHON.test(word) || /^(?:vllm|sglang|dynamo)/.test(baseName(word))),
  );
  return start < 0 ? argv : argv.slice(start);
}

function programOf(argv: readonly string[]): string {
  if (!PYTHON.test(argv[0] ?? '')) return baseName(argv[0]);
  const module = argv.indexOf('-m');
  if (module > 0) return argv[module + 1] ?? 'python3';
  return baseName(argv.find((word, index) => index > 0 && !word.startsWith('-')) ?? 'python3');
}

function baseName(path: string | undefined): string {
  return (path ?? '').split('/').at(-1) ?? '';
}

function kindOf(program: string, argv: readonly string[]): LaunchKind {
  if (program === 'etcd' || program === 'nats-server') return 'infrastructure';
  if (/clear_namespace/.test(program)) return 'helper';
  if (FOREIGN.includes(program)) return 'foreign';
  if (program === 'dynamo.frontend' || (/^dynamo(?:-run)?$/.test(program) && argv.includes('in=http')))
    return 'frontend';
  if (/^dynamo\.(?:\w+_)?router(?:\.|$)/.test(program)) return 'router';
  if (/^dynamo\.(?:global_)?planner(?:\.|$)/.test(program)) return 'planner';
  if (/^dynamo\.mocker(?:\.|$)/.test(program)) return 'mocker';
  if (/^dynamo-.*sidecar$/.test(program) || /^dynamo\..*sidecar/.test(program)) return 'sidecar';
  if (
    program === 'vllm-rs' ||
    program === 'trtllm-serve' ||
    /^(?:sglang\.launch_server|tensorrt_llm\.commands\.serve|vllm\.entrypoints\..*)$/.test(program)
  )
    return 'engine';
  if ((program === 'vllm' || program === 'sglang') && argv.includes('serve')) return 'engine';
  if (/^dynamo(?:\.|-run$|$)/.test(program)) return 'worker';
  return program.endsWith('.py') || PYTHON.test(argv[0] ?? '') ? 'worker' : 'unknown';
}

function backendOf(program: string): Backend | undefined {
  if (/vllm/.test(program)) return 'vllm';
  if (/sglang/.test(program)) return 'sglang';
  if (/trtllm|tensorrt_llm/.test(program)) return 'trtllm';
  return undefined;
}

/** Rule 2 of facts/deployment-yaml.md §6.3. */
function roleOf(argv: readonly string[], program: string): Role {
  const mode = flagValue(argv, '--disaggregation-mode');
  if (mode === 'prefill' || mode === 'decode' || mode === 'encode') return mode;
  if (hasFlag(argv, '--is-prefill-worker')) return 'prefill';
  if (hasFlag(argv, '--is-decode-worker')) return 'decode';
  if (hasFlag(argv, '--multimodal-encode-worker', '--encode-worker', '--is-encode-worker') || /encode/.test(program))
    return 'encode';
  const named = /[._](prefill|decode)(?:_worker)?$/.exec(program)?.[1];
  if (named === 'prefill' || named === 'decode') return named;
  const type = flagValue(argv, '--worker-type');
  return type === 'prefill' || type === 'decode' || type === 'encode' ? type : undefined;
}
