import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Conversion } from '../convert/conversion.ts';
import { type Diagnostic, formatDiagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { parseComponentValues, valueFor } from '../plan/image-overrides.ts';
import { addGraphFlags, type GraphFlags } from './graph-flags.ts';
import { type Io, print, say } from './io.ts';
import { operatorGeneration } from './operator-generation.ts';
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
    .action((file: string, args: readonly string[], flags: ConvertFlags, command: Command) =>
      convert({ file, scriptArgs: scriptArguments(args, command) }, flags, io),
    );
}

function chooseTarget(text: string): Target {
  const found = TARGETS.find((target) => target === text);
  if (found !== undefined) return found;
  throw new UserError('INVALID_FLAG', `--to: "${text}" is not known`, { hint: `choose one of ${TARGETS.join(', ')}` });
}

async function convert(
  input: { readonly file: string; readonly scriptArgs: readonly string[] },
  flags: ConvertFlags,
  io: Io,
): Promise<void> {
  const target = chooseTarget(flags.to);
  if (flags.production && (target === 'compose' || target === 'launches')) {
    throw new UserError('INVALID_FLAG', `--production is for graphs and scripts, not for --to ${target}`);
  }
  if (target === 'compose') {
    const { convertCompose } = await import('./convert-compose.ts');
    return finish(await convertCompose(input, flags, io), flags, io);
  }
  const images = parseComponentValues(flags.image ?? [], '--image');
  const versions = parseComponentValues(flags.runtimeVersion ?? [], '--runtime-version');
  const read = await readGraph(
    {
      ...input,
      flags,
      generation: operatorGeneration(flags.operatorVersion),
      image: (component) => valueFor(images, component),
      runtimeVersion: (component) => flags.tag ?? valueFor(versions, component),
    },
    io,
  );
  const { text, diagnostics } = await convertTo(target, flags.production ?? false, read, input.file);
  return finish({ text, diagnostics: [...read.diagnostics, ...diagnostics] }, flags, io);
}

/** Says what there is to say and writes the text where it is wanted. */
async function finish({ text, diagnostics }: Converted, flags: ConvertFlags, io: Io): Promise<void> {
  for (const diagnostic of diagnostics) say(io, formatDiagnostic(diagnostic));
  if (flags.output === undefined || flags.output === '-') return print(io, text);
  await writeOutput(resolve(io.cwd, flags.output), text);
}

async function convertTo(target: GraphTarget, production: boolean, read: GraphInput, file: string): Promise<Converted> {
  if (target === 'launches') return { text: writeLaunches(read, file), diagnostics: [] };
  if (target === 'v1alpha1' && read.graph.apiVersion === 'nvidia.com/v1alpha1' && !production)
    return writeGraph({ graph: read.graph, diagnostics: [] }, read);
  const [{ toV1beta1 }, { withoutTestFlags }] = await Promise.all([
    import('../convert/to-v1beta1.ts'),
    import('../convert/test-flags.ts'),
  ]);
  const beta = toV1beta1(read.graph);
  // Whoever writes YAML knows what is in it; a script brings it along.
  const flags = production || read.script ? withoutTestFlags(beta.graph, !production) : { ...beta, diagnostics: [] };
  const written = await writeTarget(target, flags.graph, read);
  return { text: written.text, diagnostics: [...beta.diagnostics, ...flags.diagnostics, ...written.diagnostics] };
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
function writeLaunches({ script }: GraphInput, file: string): string {
  if (script === undefined) {
    throw new UserError('FORM_OF_SCRIPTS', `--to launches is for launch scripts, and ${file} is a graph`, {
      hint: 'dynamo plan FILE shows what a graph starts',
    });
  }
  const launches = script.recording.launches.map(({ argv, env, cwd, background, line }) => ({
    argv,
    env,
    cwd,
    background,
    line,
  }));
  return `${JSON.stringify({ launches }, null, 2)}\n`;
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

async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError('OUTPUT_FAILED', `${path} cannot be written: ${reason}`, { cause });
  }
}
