/**
 * Builds the CPU images of compose/images, each tagged by a hash of its recipe, so that an unchanged recipe is never built again,
 * and writes their names to compose/.env, which the CLI and docker compose read beside compose/infra.yaml.
 * Usage: build-images.ts [--soak]   (--soak: the older and newer Dynamo versions too)
 */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { ensureBaseImage } from './base-image.ts';
import { type BuildNetwork, readBuildNetwork } from './build-network.ts';
import { dynamoRecipe, hashRecipe, infraRecipe, type Recipe } from './image-recipes.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const IMAGES = join(ROOT, 'compose/images');
const DEFAULT_VERSION = '1.4.2';
const SOAK_VERSIONS = ['0.6.1', '1.0.2', '1.6.1'] as const;
const LAST_LINES = 30;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Work that is done at most once, and only when asked for. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

interface Workshop {
  readonly docker: Docker;
  readonly base: () => Promise<void>;
  readonly network: () => Promise<BuildNetwork>;
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

/** Shows each step of a build once; a failure carries the last lines. */
async function followBuild(docker: Docker, stream: NodeJS.ReadableStream, name: string): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error, output: { readonly error?: string }[] | null) => {
        const failed = error?.message ?? output?.find((entry) => entry.error !== undefined)?.error;
        if (failed === undefined) resolve();
        else reject(new Error(`${name} could not be built: ${failed}\n${lines.slice(-LAST_LINES).join('')}`));
      },
      (event: { readonly stream?: string }) => {
        if (event.stream === undefined) return;
        lines.push(event.stream);
        const step = /^Step (\d+\/\d+) : (.{1,80})/.exec(event.stream);
        if (step) say(`  ${name}  ${step[1]}  ${step[2]}`);
      },
    );
  });
}

async function build(workshop: Workshop, recipe: Recipe, name: string, hash: string): Promise<void> {
  const [{ authorities, buildArgs }] = await Promise.all([workshop.network(), workshop.base()]);
  const startedAt = Date.now();
  const context = await mkdtemp(join(tmpdir(), 'dynamo-image-'));
  try {
    const files = new Map(recipe.files).set('authorities.pem', authorities);
    for (const [path, content] of files) {
      await mkdir(dirname(join(context, path)), { recursive: true });
      await writeFile(join(context, path), content);
    }
    say(`building ${name}`);
    const stream = await workshop.docker.buildImage(
      { context, src: [...files.keys()] },
      { t: name, buildargs: { ...buildArgs, ...recipe.buildArgs }, labels: { 'dynamo.recipe': hash }, forcerm: true },
    );
    await followBuild(workshop.docker, stream, name);
    say(`built ${name} in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** The name of the recipe's image, which exists afterwards; `built` tells whether it had to be made. */
async function ensureImage(workshop: Workshop, recipe: Recipe): Promise<{ name: string; built: boolean }> {
  const { repository, version } = recipe;
  const hash = hashRecipe(recipe);
  const name = `${repository}:${version === undefined ? hash : `${version}-${hash}`}`;
  const built = !(await imageExists(workshop.docker, name));
  if (built) await build(workshop, recipe, name, hash);
  // The second tag is what example files name; it follows the recipe.
  if (version !== undefined) await workshop.docker.getImage(name).tag({ repo: repository, tag: version });
  return { name, built };
}

async function writeNames(names: Readonly<Record<string, string>>): Promise<void> {
  const path = join(ROOT, 'compose/.env');
  const text = Object.entries(names)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return;
  await writeFile(`${path}.${process.pid}`, text);
  await rename(`${path}.${process.pid}`, path);
}

async function main(): Promise<void> {
  const docker = new Docker();
  const workshop = { docker, base: once(() => ensureBaseImage(docker, say)), network: once(readBuildNetwork) };
  const ensure = (recipe: Recipe) => ensureImage(workshop, recipe);
  const [etcd, nats, registry, cpu] = await Promise.all([
    infraRecipe(IMAGES, 'etcd').then(ensure),
    infraRecipe(IMAGES, 'nats').then(ensure),
    infraRecipe(IMAGES, 'registry').then(ensure),
    dynamoRecipe(IMAGES, DEFAULT_VERSION).then(ensure),
  ]);
  await writeNames({
    DYNAMO_ETCD_IMAGE: etcd.name,
    DYNAMO_NATS_IMAGE: nats.name,
    DYNAMO_REGISTRY_IMAGE: registry.name,
    DYNAMO_CPU_IMAGE: cpu.name,
  });
  // After the default version, whose first steps are theirs too: builds at the same time would each do them.
  const soak = process.argv.includes('--soak') ? SOAK_VERSIONS : [];
  const others = await Promise.all(soak.map((version) => dynamoRecipe(IMAGES, version).then(ensure)));
  if ([cpu, ...others].some((image) => image.built)) {
    await docker.pruneImages({ filters: { dangling: ['true'], label: ['dynamo.stage=builder'] } });
  }
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 3;
});
