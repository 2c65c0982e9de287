/**
 * Bundles src/cli.ts to dist/: start-up is mostly the loading of modules, and one file a verb loads faster than hundreds.
 * What is not used here is left out: ssh to remote engines, and the builder sessions of dockerode.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { build } from 'esbuild';

/** Modules that dockerode loads at once and that only its remote engines and BuildKit sessions use. */
const unused = {
  name: 'unused',
  setup(bundle) {
    bundle.onResolve({ filter: /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs|@balena\/dockerignore)$/ }, ({ path, importer }) =>
      /node_modules\/(dockerode|docker-modem)\//.test(importer) ? { path, namespace: 'unused' } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

// Built beside and put in place whole: somebody may be running the last one.
const folder = `.build/dist-${process.pid}`;
await mkdir('.build', { recursive: true });
await build({
  entryPoints: ['src/cli.ts'],
  outdir: folder,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: true,
  sourcemap: true,
  legalComments: 'none',
  // etcd3 reads its .proto files from its own folder; nats hands out its functions in a way that no bundler follows.
  external: ['etcd3', 'nats'],
  plugins: [unused],
  // CommonJS dependencies ask for node's own modules with require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
await rm('dist', { recursive: true, force: true });
await rename(folder, 'dist');
