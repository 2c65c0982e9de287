import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import { makePrivateFolder } from './container-state.ts';
import { connectKeeper, KEEPER_LOST, type KeeperConnection } from './keeper-connection.ts';
import type { Request } from './protocol.ts';

const ASK_AGAIN_MS = 5;
const STARTS_WITHIN_MS = 15_000;

/** The keepers of projects, each connected once and started where none runs. */
export class Keepers {
  readonly #program: string;
  readonly #open = new Map<string, Promise<KeeperConnection | undefined>>();

  /** `program` is the script that a keeper runs. */
  constructor(program: string) {
    this.#program = program;
  }

  /** The keeper of a folder that runs now. */
  async find(folder: string): Promise<KeeperConnection | undefined> {
    const known = await this.#open.get(folder)?.catch(() => undefined);
    if (known?.isOpen) return known;
    const connecting = connectKeeper(folder);
    this.#open.set(folder, connecting);
    return connecting;
  }

  /** The keeper of a folder, started where none runs. Throws KEEPER_FAILED (exit 4) with what it said. */
  async get(folder: string, signal: AbortSignal): Promise<KeeperConnection> {
    const found = await this.find(folder);
    if (found) return found;
    const started = this.#start(folder, signal);
    this.#open.set(folder, started);
    return started;
  }

  /** Asks the keeper of a folder. One that was killed may not be known to be gone: the next one is asked then, as requests may be repeated. */
  async ask(folder: string, request: Request, signal: AbortSignal): Promise<void> {
    try {
      await (await this.get(folder, signal)).ask(request, signal);
    } catch (error) {
      if (!(error instanceof UserError && error.code === KEEPER_LOST)) throw error;
      await (await this.get(folder, signal)).ask(request, signal);
    }
  }

  async #start(folder: string, signal: AbortSignal): Promise<KeeperConnection> {
    await makePrivateFolder(folder);
    const child = spawn(process.execPath, [this.#program, folder], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    child.on('error', (error) => {
      said += error.message;
    });
    child.unref();
    const deadline = Date.now() + STARTS_WITHIN_MS;
    try {
      for (;;) {
        const connection = await connectKeeper(folder);
        if (connection) return connection;
        // One that ended with 0 has found another at work, which is about to listen.
        const failed = child.exitCode !== null && child.exitCode !== 0;
        if (failed || Date.now() > deadline) throw await startError(folder, said);
        await sleep(ASK_AGAIN_MS, undefined, { signal });
      }
    } finally {
      child.stderr.destroy();
    }
  }
}

async function startError(folder: string, said: string): Promise<UserError> {
  const log = await readFile(join(folder, 'keeper.log'), 'utf8').catch(() => '');
  const words = (said.trim() || log.trim()).split('\n').slice(-8).join('\n');
  return new UserError('KEEPER_FAILED', `no keeper for ${folder} can be started`, {
    exitCode: EXIT.startFailed,
    ...(words === '' ? {} : { details: words }),
  });
}
