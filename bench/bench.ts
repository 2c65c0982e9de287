/**
 * `npm run bench [-- --json] [-- --rounds N]`: the same graph (etcd, NATS, a real frontend, a prefill and a decode mocker) brought up until
 * its first completion by `dynamo`, by `docker compose up --wait` and by bare calls of the Docker API, in turns on one machine in one run.
 * Never fails on time: it says which targets are reached.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPort } from '../src/host/find-port.ts';
import { connectEngine, findEngine } from '../src/runtime/docker/connect-engine.ts';
import { waitForCompletion } from './ask-completion.ts';
import { bringUpBare, removeLeftovers, takeDownBare } from './bare-engine.ts';
import { writeComposeText } from './compose-file.ts';
import type { Contender } from './contender.ts';
import { findCompose, type FoundCompose } from './find-compose.ts';
import { loadDesired } from './load-desired.ts';
import { formatReport, makeReport } from './make-report.ts';
import { runCommand } from './run-command.ts';
import { type SampleName, Samples } from './samples.ts';

const FILE = 'launch/mocker/disagg.yaml';
const MODEL = 'local/tiny';
/** An up or down that takes longer is stuck. */
const STEP_LIMIT_MS = 120_000;
/** Start-ups are short and vary: each is timed several times a round. */
const STARTS_PER_ROUND = 3;

const home = new URL('../', import.meta.url);
const cwd = fileURLToPath(home);
