import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One question of a recorded conversation and its answer. */
export interface Exchange {
  /** Matched against the arguments joined by spaces; the first that matches answers. */
  readonly asks: RegExp;
  readonly stdout?: unknown;
  readonly stderr?: string;
  readonly exitCode?: number;
  readonly afterMs?: number;
  /** A port-forward: it relays to this local port, ends when told to by `drop`, and then works again. */
  readonly forwardTo?: number;
}

export interface Call {
  readonly args: string;
  readonly stdin: string;
}

export interface FakeKubectl extends AsyncDisposable {
  /** A PATH on which `kubectl` is this one. */
  readonly env: { readonly PATH: string };
  readonly calls: () => Promise<readonly Call[]>;
  /** Ends the port-forwards that stand. */
  readonly drop: () => Promise<void>;
}

/** A program named kubectl that replays a conversation and writes down what it was asked; what nobody recorded fails. */
export async function fakeKubectl(exchanges: readonly Exchange[]): Promise<FakeKubectl> {
  const folder = await mkdtemp(join(tmpdir(), 'kubectl-'));
  const said = exchanges.map(({ asks, stdout, ...rest }) => ({
    asks: asks.source,
    stdout: stdout === undefined ? '' : JSON.stringify(stdout),
    ...rest,
  }));
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2).join(' ');
appendFileSync(${JSON.stringify(join(folder, 'calls'))}, JSON.stringify({ args, stdin: readFileSync(0, 'utf8') }) + '\\n');
const found = ${JSON.stringify(said)}.find(({ asks }) => new RegExp(asks).test(args));
if (found?.forwardTo) {
  const { createServer, connect } = require('node:net');
  const server = createServer((client) => {
    const upstream = connect(found.forwardTo, '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
  });
  const [local, remote] = process.argv[4].split(':');
  server.listen(Number(local || 0), '127.0.0.1', () => {
    appendFileSync(${JSON.stringify(join(folder, 'forwards'))}, process.pid + '\\n');
    console.log('Forwarding from 127.0.0.1:' + server.address().port + ' -> ' + remote);
  });
} else setTimeout(() => {
  process.stdout.write(found?.stdout ?? '');
  process.stderr.write(found ? (found.stderr ?? '') : 'not recorded: ' + args);
  process.exitCode = found ? (found.exitCode ?? 0) : 1;
}, found?.afterMs ?? 0);
`;
  await writeFile(join(folder, 'kubectl'), program);
  await chmod(join(folder, 'kubectl'), 0o755);
  return {
    env: { PATH: folder },
    calls: async () =>
      (await readFile(join(folder, 'calls'), 'utf8').catch(() => ''))
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Call => JSON.parse(line)),
    drop: async () => {
      const path = join(folder, 'forwards');
      const pids = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
      await writeFile(path, '');
      for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
