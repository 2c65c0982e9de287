/**
 * Builds the CPU images of compose/images, each tagged by a hash of its recipe, so that an unchanged recipe is never built again,
 * and writes their names to compose/.env, which the CLI and docker compose read beside compose/infra.yaml.
 * Usage: build-images.ts [--soak]
 */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Docker from 'dockerode';
import { directoryFiles, hubCacheFiles } from '../src/mock/tiny-model.ts';
import { BASE_IMAGE, ensureBaseImage } from './base-image.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODEL_ID = 'local/tiny';
const DEFAULT_VERSION = '1.4.2';
const SOAK_VERSIONS = ['0.6.1', '1.0.2', '1.6.1'];

interface Recipe {
  readonly folder: string;
  readonly repository: string;
  /** Tag before the hash, and an alias tag of its own: the Dynamo version. */
  readonly version: string | undefined;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Files of the build context by path. */
  readonly files: ReadonlyMap<string, string | Buffer>;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function readFolder(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path), await readFile(path));
  }
  return files;
}

/** The authority bundle that the environment names: builds behind a proxy with its own authority need it. */
async function readAuthorities(): Promise<Buffer> {
  const named =
    process.env.PIP_CERT ??
    process.env.SSL_CERT_FILE ??
    process.env.REQUESTS_CA_BUNDLE ??
    process.env.NODE_EXTRA_CA_CERTS;
  return named ? readFile(named) : Buffer.alloc(0);
}

async function dynamoRecipe(version: string, authorities: Buffer): Promise<Recipe> {
  const folder = join(ROOT, 'compose/images/dynamo-cpu');
  const files = new Map<string, string | Buffer>(await readFolder(folder));
  for (const [path, content] of Object.entries(directoryFiles(MODEL_ID))) files.set(path, content);
  for (const [path, content] of Object.entries(hubCacheFiles(MODEL_ID))) files.set(`hub/${path}`, content);
  files.set('authorities.pem', authorities);
  const index = Object.fromEntries(
    ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL'].flatMap((name) =>
      process.env[name] ? [[name, process.env[name] ?? '']] : [],
    ),
  );
  const runAs = version.startsWith('0.') ? 'root' : 'dynamo';
  return { folder, repository: 'dynamo-cpu', version, buildArgs: { VERSION: version, RUN_AS: runAs, ...index }, files };
}

async function infraRecipe(name: string): Promise<Recipe> {
  const folder = join(ROOT, 'compose/images', name);
  return { folder, repository: `dynamo-${name}`, version: undefined, buildArgs: {}, files: await readFolder(folder) };
}

/** What decides the image: the files (the authority bundle of this machine aside), the arguments, the base. */
function hashRecipe(recipe: Recipe): string {
  const hash = createHash('sha256').update(BASE_IMAGE);
  for (const [path, content] of [...recipe.files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (path !== 'authorities.pem') hash.update(`\0${path}\0`).update(content);
  }
  const { VERSION, RUN_AS } = recipe.buildArgs;
  return hash
    .update(`\0${VERSION ?? ''}\0${RUN_AS ?? ''}`)
    .digest('hex')
    .slice(0, 12);
}

async function imageExists(docker: Docker, name: string): Promise<boolean> {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return false;
    throw error;
  }
}

/** Progress of the engine's builder: each step once, and the last lines when it fails. */
async function followBuild(docker: Docker, stream: NodeJS.ReadableStream, name: string): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error, output: { readonly error?: string }[]) => {
        const failed = error?.message ?? output.find((entry) => entry.error !== undefined)?.error;
        if (failed === undefined) resolve();
        else reject(new Error(`image ${name} could not be built: ${failed}\n${lines.slice(-25).join('')}`));
      },
      (event: { readonly stream?: string }) => {
        if (event.stream === undefined) return;
        lines.push(event.stream);
        if (/^Step \d+\/\d+/.test(event.stream))
          say(`  ${name}: ${event.stream.trim().split('\n')[0]?.slice(0, 100) ?? ''}`);
      },
    );
  });
}

/** Returns the tag of the recipe's image; builds it when it is not there. */
async function ensureImage(docker: Docker, recipe: Recipe, ensureBase: () => Promise<void>): Promise<string> {
  const { repository, version } = recipe;
  const hash = hashRecipe(recipe);
  const name = `${repository}:${version === undefined ? hash : `${version}-${hash}`}`;
  if (!(await imageExists(docker, name))) {
    await ensureBase();
    const startedAt = Date.now();
    const folder = await mkdtemp(join(tmpdir(), 'dynamo-image-'));
    try {
      for (const [path, content] of recipe.files) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content);
      }
      say(`building ${name}`);
      const stream = await docker.buildImage(
        { context: folder, src: [...recipe.files.keys()] },
        { t: name, buildargs: { ...recipe.buildArgs }, labels: { 'dynamo.recipe': hash }, forcerm: true },
      );
      await followBuild(docker, stream, name);
      say(`built ${name} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  // The alias is what example files name; it follows the recipe.
  if (version !== undefined) await docker.getImage(name).tag({ repo: repository, tag: version });
  return name;
}

async function writeEnv(values: Readonly<Record<string, string>>): Promise<void> {
  const path = join(ROOT, 'compose/.env');
  const text = `${Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === text) return;
  await writeFile(`${path}.${process.pid}`, text);
  await rename(`${path}.${process.pid}`, path);
}

async function main(): Promise<void> {
  const { default: Engine } = await import('dockerode');
  const docker = new Engine();
  const authorities = await readAuthorities();
  let base: Promise<void> | undefined;
  const ensureBase = () => {
    base ??= ensureBaseImage(docker, say);
    return base;
  };
  const versions = [DEFAULT_VERSION, ...(process.argv.includes('--soak') ? SOAK_VERSIONS : [])];
  const recipes = await Promise.all([
    infraRecipe('etcd'),
    infraRecipe('nats'),
    ...versions.map((version) => dynamoRecipe(version, authorities)),
  ]);
  const [etcd = '', nats = '', cpu = ''] = await Promise.all(
    recipes.map((recipe) => ensureImage(docker, recipe, ensureBase)),
  );
  await writeEnv({ DYNAMO_ETCD_IMAGE: etcd, DYNAMO_NATS_IMAGE: nats, DYNAMO_CPU_IMAGE: cpu });
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 3;
});
