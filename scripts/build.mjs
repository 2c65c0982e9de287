/**
 * Bundles src/cli.ts, and the keeper of processes, to dist/: start-up is mostly the loading and compiling of modules, so all of them are one file beside which V8's
 * compiled code is kept. What is not used here is left out: ssh and TLS to remote engines, and the builder sessions of dockerode.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, rename, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Modules that dockerode loads at once and that only its remote engines and BuildKit sessions use. */
const UNUSED = /^(https|ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs|@balena\/dockerignore)$/;

const unused = {
  name: 'unused',
  setup(bundle) {
    bundle.onResolve({ filter: UNUSED }, ({ path, importer }) =>
      /node_modules\/(dockerode|docker-modem)\//.test(importer) ? { path, namespace: 'unused' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

// Built beside and put in place whole: somebody may be running the last one.
const folder = `.build/dist-${process.pid}`;
await mkdir('.build', { recursive: true });
const { metafile } = await build({
  entryPoints: ['src/cli.ts'],
  outfile: `${folder}/cli.cjs`,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Identifiers keep their names: stacks of bugs stay readable, and compiled code is cached whatever its length.
  minifyWhitespace: true,
  minifySyntax: true,
  charset: 'ascii',
  sourcemap: true,
  legalComments: 'none',
  // etcd3 reads its .proto files from its own folder; nats hands out its functions in a way that no bundler follows.
  external: ['etcd3', 'nats'],
  metafile: true,
  plugins: [unused],
  // Late imports become late requires: code from a cache has no module loader of its own to import with.
  supported: { 'dynamic-import': false },
  // ES modules know their own URL, CommonJS its path.
  define: { 'import.meta.url': '__bundleUrl' },
  banner: { js: "const __bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
});
// The keeper of a project of processes: a program of its own, as small as it can be.
await build({
  entryPoints: ['src/runtime/process/keeper/main.ts'],
  outfile: `${folder}/keeper.cjs`,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  minifySyntax: true,
  charset: 'ascii',
  sourcemap: true,
  legalComments: 'none',
});
const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
if (imported.some(({ kind }) => kind === 'dynamic-import')) throw new Error('the bundle imports what it must require');
await rm('dist', { recursive: true, force: true });
await rename(folder, 'dist');

/** Milliseconds that a look at the engine may take; a run that ends early leaves a smaller cache or none. */
const WARM_MS = 20_000;

// Verbs that change nothing, each adding what it has compiled. Without an engine they get as far as asking for it.
for (const words of [['plan', 'launch/mocker/disagg.yaml'], ['ps'], ['up', '--dry-run', 'launch/mocker/disagg.yaml']]) {
  const script = fileURLToPath(new URL('write-code-cache.mjs', import.meta.url));
  spawnSync(process.execPath, [script, ...words], { stdio: 'ignore', timeout: WARM_MS });
}
