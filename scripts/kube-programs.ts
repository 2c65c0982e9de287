/**
 * The programs of a real Kubernetes API server for tests: kube-apiserver (built from Go modules, about 6 minutes on two cores, once),
 * etcd and kubectl (from PATH, else from Debian). What is made is kept in the user's cache.
 * Usage: node --import tsx scripts/kube-programs.ts     prints where they are
 */
import { spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const KUBERNETES = 'v1.32.3';
const KWOK = 'v0.6.1';
/** The modules of Kubernetes' own staging directory carry its version as v0. */
const STAGING = KUBERNETES.replace(/^v1/, 'v0');

export interface KubePrograms {
  readonly apiServer: string;
  readonly etcd: string;
  readonly kubectl: string;
}

export type Say = (text: string) => void;

export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dynamo-lab');
}

export async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await isProgram(path))) return path;
  }
  return undefined;
}

/** What the program printed; throws with its last words when it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout;
}

export function mayInstall(what: string): void {
  if (process.env.DYNAMO_NO_INSTALL === '1')
    throw new Error(`${what} is missing, and DYNAMO_NO_INSTALL forbids to get it`);
}

async function buildApiServer(target: string, say: Say): Promise<void> {
  mayInstall('kube-apiserver');
  if ((await findOnPath('go')) === undefined)
    throw new Error('a kube-apiserver is built with Go, and there is no go on PATH');
  say(`building kube-apiserver ${KUBERNETES}, once`);
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-kube-'));
  try {
    const start = `module lab\n\ngo 1.23.0\n\nrequire k8s.io/kubernetes ${KUBERNETES}\n`;
    await writeFile(join(folder, 'go.mod'), start);
    const download: { GoMod: string } = JSON.parse(
      await run('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${KUBERNETES}`], folder),
    );
    const own = await readFile(download.GoMod, 'utf8');
    const staged = [...own.matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging/gm)];
    const replaces = staged.map(([, name]) => `replace ${name} => ${name} ${STAGING}\n`).join('');
    await writeFile(join(folder, 'go.mod'), start + replaces);
    const tools = '//go:build tools\n\npackage lab\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n';
    await writeFile(join(folder, 'tools.go'), tools);
    await run('go', ['mod', 'tidy'], folder);
    const made = join(folder, 'kube-apiserver');
    const main = 'k8s.io/kubernetes/cmd/kube-apiserver';
    await run('nice', ['-n', '10', 'go', 'build', '-trimpath', '-ldflags', '-s -w', '-o', made, main], folder);
    await run('mv', [made, `${target}.new`], folder);
    await rename(`${target}.new`, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * kwok: nodes and kubelets that are only simulated (sigs.k8s.io/kwok), built from Go modules, about a minute, once. Throws an Error that
 * says what cannot be had.
 */
export async function prepareKwok(say: Say): Promise<string> {
  const folder = cacheFolder();
  const target = join(folder, 'kwok');
  if (await isProgram(target)) return target;
  mayInstall('kwok');
  if ((await findOnPath('go')) === undefined) throw new Error('kwok is built with Go, and there is no go on PATH');
  say(`building kwok ${KWOK}, once`);
  const made = await mkdtemp(join(tmpdir(), 'dynamo-kwok-'));
  try {
    const module = `sigs.k8s.io/kwok/cmd/kwok@${KWOK}`;
    await run('nice', ['-n', '10', 'env', `GOBIN=${made}`, 'go', 'install', module], made);
    await mkdir(folder, { recursive: true });
    await run('mv', [join(made, 'kwok'), `${target}.new`], made);
    await rename(`${target}.new`, target);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return target;
}

/** A program out of a Debian package, unpacked beside the others and not installed. */
async function unpack(name: string, debianPackage: string, inside: string, say: Say): Promise<string> {
  const folder = join(cacheFolder(), debianPackage);
  const program = join(folder, inside);
  if (await isProgram(program)) return program;
  mayInstall(name);
  say(`getting ${name} from Debian's package ${debianPackage}`);
  const download = await mkdtemp(join(tmpdir(), 'dynamo-deb-'));
  try {
    await run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', debianPackage], download);
    await run('sh', ['-c', `dpkg-deb -x ./*.deb '${folder}'`], download);
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return program;
}

/** Finds the three programs, and makes what is missing. Throws an Error that says what cannot be had. */
export async function prepareKubePrograms(say: Say): Promise<KubePrograms> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  const apiServer = join(folder, 'kube-apiserver');
  if (!(await isProgram(apiServer))) await buildApiServer(apiServer, say);
  const etcd = (await findOnPath('etcd')) ?? (await unpack('etcd', 'etcd-server', 'usr/bin/etcd', say));
  const kubectl = (await findOnPath('kubectl')) ?? (await unpack('kubectl', 'kubectl', 'usr/bin/kubectl', say));
  return { apiServer, etcd, kubectl };
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const programs = await prepareKubePrograms((text) => process.stderr.write(`${text}\n`));
  process.stdout.write(`${JSON.stringify(programs, null, 2)}\n`);
}
