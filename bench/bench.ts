/**
 * `npm run bench [-- --json] [-- --rounds N]`: the same graph (etcd, NATS, a real frontend, a prefill and a decode mocker) brought up until
 * its first completion by `dynamo`, by `docker compose up --wait` and by bare calls of the Docker API, and as processes by
 * `dynamo --runtime process` and by a shell script, in turns on one machine in one run.
 * Never fails on time: it says which targets are reached.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findFreePort } from '../src/host/find-port.ts';
import { connectEngine, findEngine } from '../src/runtime/docker/connect-engine.ts';
import { waitForCompletion } from './ask-completion.ts';
import { bringUpBare, removeLeftovers, takeDownBare } from './bare-engine.ts';
import { writeComposeText } from './compose-file.ts';
import type { Contender } from './contender.ts';
import { type FoundCompose, findCompose } from './find-compose.ts';
import { loadDesired } from './load-desired.ts';
import { formatReport, makeReport } from './make-report.ts';
import { processContenders } from './processes.ts';
import { runCommand } from './run-command.ts';
import { Samples } from './samples.ts';

const FILE = 'launch/mocker/disagg.yaml';
const MODEL = 'local/tiny';
/** An up or down that takes longer is stuck. */
const STEP_LIMIT_MS = 120_000;
/** Start-ups are short and vary: each is timed several times a round. */
const STARTS_PER_ROUND = 3;

const home = new URL('../', import.meta.url);
const cwd = fileURLToPath(home);

interface Bench {
  readonly contenders: readonly Contender[];
  readonly compose: { readonly found: FoundCompose; readonly file: string } | undefined;
  readonly dynamoProject: string;
  readonly dynamoPort: number;
}

const dynamo = [process.execPath, join(cwd, 'bin', 'dynamo.js')];

/** Ends with `signal`, and when the step is stuck. */
function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(STEP_LIMIT_MS)]);
}

async function prepare(prefix: string, folder: string, notes: string[], signal: AbortSignal): Promise<Bench> {
  const docker = await connectEngine(await findEngine(process.env));
  const load = async (name: string) => {
    const [project, port] = [`${prefix}-${name}`, await findFreePort('127.0.0.1')];
    const desired = await loadDesired({ file: join(cwd, FILE), project, port, home }, signal);
    return { project, port, url: `http://127.0.0.1:${port}`, desired };
  };
  const [ours, bare, composed] = [await load('dynamo'), await load('bare'), await load('compose')];
  const ourUp = [...dynamo, 'up', '-d', FILE, '-p', ours.project, '--port', String(ours.port), '--progress', 'quiet'];
  const contenders: Contender[] = [
    {
      name: 'dynamo',
      url: ours.url,
      up: async (stop) => {
        await runCommand(ourUp, { cwd }, stop);
      },
      down: async (stop) => {
        await runCommand([...dynamo, 'down', '-p', ours.project, '--progress', 'quiet'], { cwd }, stop);
      },
    },
    {
      name: 'bare',
      url: bare.url,
      up: (stop) => bringUpBare(docker, bare.desired, stop),
      down: (stop) => takeDownBare(docker, bare.desired, stop),
    },
  ];
  const processes = await processContenders(
    { dynamo, cwd, file: FILE, project: `${prefix}-process`, folder },
    signal,
  ).catch((error: unknown) => {
    notes.push(`processes are left out: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  });
  contenders.push(...processes);
  const common = { contenders, dynamoProject: ours.project, dynamoPort: ours.port };
  const found = await findCompose(explain, signal);
  if ('problem' in found) {
    notes.push(`compose is left out: ${found.problem}`);
    return { ...common, compose: undefined };
  }
  notes.push(`docker compose ${found.version}`);
  const file = join(folder, 'compose.yaml');
  await writeFile(file, await writeComposeText(composed.desired, home));
  const compose = [...found.command, '-p', composed.project, '-f', file, '--progress', 'quiet'];
  contenders.splice(1, 0, {
    name: 'compose',
    url: composed.url,
    up: async (stop) => {
      await runCommand([...compose, 'up', '--wait'], { cwd: folder, env: found.env }, stop);
    },
    down: async (stop) => {
      await runCommand([...compose, 'down'], { cwd: folder, env: found.env }, stop);
    },
  });
  return { ...common, compose: { found, file } };
}

/** What changes nothing; `up -d` too, of a project that is up. */
async function timeStarts(bench: Bench, samples: Samples, signal: AbortSignal): Promise<void> {
  const graph = [FILE, '-p', bench.dynamoProject, '--port', String(bench.dynamoPort)];
  const run = (command: readonly string[]) => runCommand(command, { cwd }, within(signal));
  for (let count = 0; count < STARTS_PER_ROUND; count += 1) {
    await samples.time('node -e 0', () => run([process.execPath, '-e', '0']));
    await samples.time('--version', () => run([...dynamo, '--version']));
    await samples.time('plan', () => run([...dynamo, 'plan', ...graph]));
    if (bench.compose) {
      const { found, file } = bench.compose;
      const config = [...found.command, '-f', file, 'config', '-q'];
      await samples.time('compose config -q', () => runCommand(config, { cwd, env: found.env }, within(signal)));
    }
    await samples.time('no-op up', () => run([...dynamo, 'up', '-d', ...graph]));
  }
}

async function runRound(bench: Bench, samples: Samples, round: number, signal: AbortSignal): Promise<void> {
  // Who goes first changes: what one leaves warm must not always help the same other.
  const order = bench.contenders.map((_, index, all) => all[(index + round) % all.length]);
  for (const contender of order) {
    if (!contender) continue;
    const { name, url } = contender;
    const up = await samples.time(`up ${name}`, async () => {
      const limit = within(signal);
      await contender.up(limit);
      await waitForCompletion(url, MODEL, limit);
    });
    if (name === 'dynamo') await timeStarts(bench, samples, signal);
    const down = await samples.time(`down ${name}`, () => contender.down(within(signal)));
    explain(`round ${round + 1}: ${name} up ${Math.round(up)} ms, down ${Math.round(down)} ms`);
  }
}

function explain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function readFlags(): { readonly rounds: number; readonly json: boolean } {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: "${values.rounds}" is no number of rounds`);
  return { rounds, json: values.json };
}

async function main(): Promise<void> {
  const { rounds, json } = readFlags();
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => interrupted.abort(new Error('interrupted')));
  const { signal } = interrupted;
  const prefix = `bench-${randomBytes(3).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), `dynamo-${prefix}-`));
  try {
    const notes: string[] = [];
    const bench = await prepare(prefix, folder, notes, signal);
    const samples = new Samples();
    for (let round = 0; round < rounds; round += 1) await runRound(bench, samples, round, signal);
    const report = makeReport(samples, rounds, notes);
    process.stdout.write(`${json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
  } finally {
    await removeLeftovers(await connectEngine(await findEngine(process.env)), prefix);
    await rm(folder, { recursive: true, force: true });
  }
}

main().then(
  // Connections to the engine that are kept open must not keep the process.
  () => process.exit(0),
  (error: unknown) => {
    explain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
