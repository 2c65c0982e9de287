import { chmod, realpath, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Conversion } from '../convert/conversion.ts';
import { type Diagnostic, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import {
  checkComponentNames,
  type ImageChooser,
  imageChooser,
  overrideImage,
  parseComponentValues,
  valueFor,
} from '../plan/image-overrides.ts';
import type { Recording } from '../script/recording.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, print, say } from './io.ts';
import type { ProjectInput } from './load-project.ts';
import { operatorGeneration } from './operator-generation.ts';
import { parseScale } from './parse-scale.ts';
import { type GraphInput, readGraph } from './read-graph.ts';
import { SCRIPT_ARGUMENTS, scriptArguments } from './script-flags.ts';

const TARGETS = ['v1beta1', 'v1alpha1', 'launches', 'compose', 'script'] as const;
type Target = (typeof TARGETS)[number];
type GraphTarget = Exclude<Target, 'compose'>;

interface ConvertFlags extends GraphFlags {
  readonly to: string;
  readonly output?: string;
  readonly production?: boolean;
}

interface Converted {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** `dynamo convert`: a launch script or YAML in another form; starts nothing. */
export function registerConvert(program: Command, io: Io): void {
  addGraphFlags(
    program
      .command('convert')
      .description('write a launch script or a graph in another form')
      .argument('<file>', 'YAML file, launch script, or - for YAML on stdin')
      .argument('[args...]', SCRIPT_ARGUMENTS),
  )
    .option('--to <form>', TARGETS.join(', '), 'v1beta1')
    .option('--production', 'leave out flags that are only for tests, such as --enforce-eager')
    .option('-o, --output <file>', 'where to write it (default: stdout)')
    .action((file: string, args: readonly string[], flags: ConvertFlags, command: Command) => {
      const target = chooseTarget(flags.to);
      checkFlags(target, command);
      return convert({ file, scriptArgs: scriptArguments(args, command) }, target, flags, io);
    });
}

/** Flags about running a graph: a compose file runs it, the other forms only write it down. */
const OF_COMPOSE = [
  'project',
  'shareGpus',
  'gpus',
  'mock',
  'port',
  'bind',
  'pull',
  'envFile',
  'volume',
  'infraEndpoints',
];
/** Flags that change the graph: a recording is what a script does. */
const OF_GRAPHS = ['scale', 'image', 'tag', 'production', 'runtimeVersion'];

/** Throws INVALID_FLAG for what was given and would change nothing. */
function checkFlags(target: Target, command: Command): void {
  const ignored = [...(target === 'compose' ? [] : OF_COMPOSE), ...(target === 'launches' ? OF_GRAPHS : [])].find(
    (name) => command.getOptionValueSource(name) === 'cli',
  );
  if (ignored === undefined) return;
  const flag = command.options.find((option) => option.attributeName() === ignored)?.long ?? ignored;
  throw new UserError('INVALID_FLAG', `${flag} changes nothing of --to ${target}`, {
    hint: OF_COMPOSE.includes(ignored) ? 'it counts with --to compose, and with up' : 'it counts with the other forms',
  });
}

function chooseTarget(text: string): Target {
  const found = TARGETS.find((target) => target === text);
  if (found !== undefined) return found;
  throw new UserError('INVALID_FLAG', `--to: "${text}" is not known`, { hint: `choose one of ${TARGETS.join(', ')}` });
}

async function convert(input: ProjectInput, target: Target, flags: ConvertFlags, io: Io): Promise<void> {
  await checkOutput(input.file, flags, io);
  const output: Output = { path: flags.output, executable: target === 'script' };
  if (target === 'compose') {
    const { convertCompose } = await import('./convert-compose.ts');
    return finish(await convertCompose(input, flags, io), output, io);
  }
  const images = imageChooser(flags.image);
  const versions = parseComponentValues(flags.runtimeVersion ?? [], '--runtime-version');
  const read = await readGraph(
    {
      ...input,
      flags,
      generation: operatorGeneration(flags.operatorVersion),
      image: images.choose,
      runtimeVersion: (component) => flags.tag ?? valueFor(versions, component),
    },
    io,
  );
  const { text, diagnostics } = await convertTo(target, { flags, read, images }, io);
  const secrets = target === 'launches' ? [] : secretsToMake(read);
  return finish({ text, diagnostics: [...read.diagnostics, ...diagnostics, ...secrets] }, output, io);
}

/** What a script exports is referred to: a cluster has to have it. */
function secretsToMake({ script }: GraphInput): readonly Diagnostic[] {
  return [...(script?.secrets ?? [])].map(([name, values]) => ({
    severity: 'notice',
    code: 'SECRET_NEEDED',
    message: `${[...values.keys()].join(', ')} of the script ${values.size === 1 ? 'is' : 'are'} taken from a Secret ${name}, which is not written`,
    hint: `in a cluster: dynamo push FILE --create-secrets ${name}; up needs none`,
  }));
}

interface Output {
  /** Undefined or `-`: stdout. */
  readonly path: string | undefined;
  readonly executable: boolean;
}

/** The source is not written over: another form of it may lack what it says. */
async function checkOutput(file: string, { output }: ConvertFlags, io: Io): Promise<void> {
  if (output === undefined || output === '-' || file === '-') return;
  const real = (path: string) => realpath(resolve(io.cwd, path)).catch(() => undefined);
  const [source, target] = await Promise.all([real(file), real(output)]);
  if (source === undefined || source !== target) return;
  throw new UserError('OUTPUT_IS_INPUT', `${output} is the file that is converted`, {
    hint: 'name another file with -o',
  });
}

/** Says what there is to say and writes the text where it is wanted. */
async function finish({ text, diagnostics }: Converted, { path, executable }: Output, io: Io): Promise<void> {
  for (const diagnostic of diagnostics) say(io, formatDiagnostic(diagnostic));
  if (path === undefined || path === '-') return print(io, text);
  await writeOutput(resolve(io.cwd, path), text, executable);
}

interface Wanted {
  readonly flags: ConvertFlags;
  readonly read: GraphInput;
  readonly images: ImageChooser;
}

async function convertTo(target: GraphTarget, { flags, read, images }: Wanted, io: Io): Promise<Converted> {
  if (target === 'launches')
    return read.script ? { text: writeLaunches(read.script.recording), diagnostics: [] } : launchesOfGraph(read, io);
  const scale = parseScale(flags.scale ?? []);
  const names = read.graph.components.map(({ name }) => name);
  images.check(read.graph.components);
  checkComponentNames(scale, names, '--scale');
  const production = flags.production ?? false;
  // The images of a script were chosen when it was read.
  const changes =
    production || scale.size > 0 || (read.script === undefined && (images.byComponent.size > 0 || flags.tag));
  if (target === 'v1alpha1' && read.graph.apiVersion === 'nvidia.com/v1alpha1' && !changes)
    return writeGraph({ graph: read.graph, diagnostics: [] }, read);
  const [{ toV1beta1 }, { withoutTestFlags }, { overrideGraph }] = await Promise.all([
    import('../convert/to-v1beta1.ts'),
    import('../convert/test-flags.ts'),
    import('../convert/override-graph.ts'),
  ]);
  const beta = toV1beta1(read.graph);
  const image = (written: string, component: string) =>
    read.script === undefined
      ? overrideImage(written, component, { byComponent: images.byComponent, tag: flags.tag })
      : written;
  const overridden = overrideGraph(beta.graph, { image, replicas: (component) => valueFor(scale, component) });
  // Whoever writes YAML knows what is in it; a script brings it along.
  const tests =
    production || read.script ? withoutTestFlags(overridden, !production) : { graph: overridden, diagnostics: [] };
  const written = await writeTarget(target, tests.graph, read);
  return { text: written.text, diagnostics: [...beta.diagnostics, ...tests.diagnostics, ...written.diagnostics] };
}

async function writeTarget(
  target: Exclude<GraphTarget, 'launches'>,
  graph: Graph,
  read: GraphInput,
): Promise<Converted> {
  switch (target) {
    case 'v1beta1':
      return writeGraph({ graph, diagnostics: [] }, read);
    case 'v1alpha1': {
      const { toV1alpha1 } = await import('../convert/to-v1alpha1.ts');
      return writeGraph(toV1alpha1(graph), read);
    }
    case 'script': {
      const { toScript } = await import('../convert/to-script.ts');
      return toScript(graph);
    }
  }
}

/** The recording in the form that DESIGN promises to other programs. */
function writeLaunches(recording: Recording): string {
  const launches = recording.launches.map(({ argv, env, cwd, background, line }) => ({
    argv,
    env,
    cwd,
    background,
    line,
  }));
  return `${JSON.stringify({ launches }, null, 2)}\n`;
}

/** What the launch script of a YAML graph starts: the script is recorded like any other, and lines are its lines. */
async function launchesOfGraph({ graph }: GraphInput, io: Io): Promise<Converted> {
  const [{ toV1beta1 }, { toScript }, { recordText }] = await Promise.all([
    import('../convert/to-v1beta1.ts'),
    import('../convert/to-script.ts'),
    import('./record-text.ts'),
  ]);
  const beta = toV1beta1(graph);
  const script = toScript(beta.graph);
  const recording = await recordText(script.text, `${graph.name}.sh`, io);
  return { text: writeLaunches(recording), diagnostics: [...beta.diagnostics, ...script.diagnostics] };
}

async function writeGraph({ graph, diagnostics }: Conversion, read: GraphInput): Promise<Converted> {
  const [{ writeYaml }, { graphDocuments }, { lineNotes }] = await Promise.all([
    import('../convert/write-yaml.ts'),
    import('../convert/graph-documents.ts'),
    import('../convert/line-notes.ts'),
  ]);
  const notes = read.script === undefined ? undefined : lineNotes(graph, (name) => linesOf(read, name));
  return { text: writeYaml(graphDocuments(graph), notes), diagnostics };
}

function linesOf({ script }: GraphInput, component: string): readonly number[] {
  return script?.lines.get(component) ?? [];
}

async function writeOutput(path: string, text: string, executable: boolean): Promise<void> {
  try {
    await writeFile(path, text);
    if (executable) await chmod(path, 0o755);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError('OUTPUT_FAILED', `${path} cannot be written: ${reason}`, { cause });
  }
}
