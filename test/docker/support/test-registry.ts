import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pack } from 'tar-stream';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

export interface TestRegistryOptions {
  /** `user:password`; undefined: everybody may pull. */
  readonly login?: string;
  /** So many requests for blobs are answered with 503 first. */
  readonly failures?: number;
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

async function makeLayer(name: string, bytes: number): Promise<Buffer> {
  const archive = pack();
  // Content of its own per registry, so that no engine has the layer already.
  archive.entry({ name }, Buffer.alloc(bytes, createHash('sha256').update(name).digest()));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** A registry on loopback (which engines take without TLS) with one image, `test/image:1`, of one layer. */
export class TestRegistry implements AsyncDisposable {
  readonly #server: Server;
  readonly host: string;
  readonly requests: string[];

  constructor(server: Server, host: string, requests: string[]) {
    this.#server = server;
    this.host = host;
    this.requests = requests;
  }

  get image(): string {
    return `${this.host}/test/image:1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Starts a registry; `layerName` makes its image unlike every other. */
export async function startTestRegistry(layerName: string, options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const layer = await makeLayer(layerName, 3_000_000);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Cmd: ['/true'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: config.length,
        digest: digestOf(config),
      },
      layers: [
        { mediaType: 'application/vnd.docker.image.rootfs.diff.tar', size: layer.length, digest: digestOf(layer) },
      ],
    }),
  );
  const requests: string[] = [];
  const blobs = new Map([layer, config].map((blob) => [digestOf(blob), blob]));
  let failures = options.failures ?? 0;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const url = request.url ?? '';
    requests.push(`${request.method} ${url}`);
    const expected = options.login ? `Basic ${Buffer.from(options.login).toString('base64')}` : undefined;
    if (expected && request.headers.authorization !== expected) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
      return;
    }
    const send = (type: string, body: Buffer) => {
      response.writeHead(200, {
        'Content-Type': type,
        'Content-Length': body.length,
        'Docker-Content-Digest': digestOf(body),
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const blob = /^\/v2\/test\/image\/blobs\/(.+)$/.exec(url);
    if (url === '/v2/') response.writeHead(200, { 'Docker-Distribution-Api-Version': 'registry/2.0' }).end('{}');
    else if (url === '/v2/test/image/manifests/1' || url === `/v2/test/image/manifests/${digestOf(manifest)}`)
      send(MANIFEST, manifest);
    else if (blob && failures > 0) {
      failures -= 1;
      response.writeHead(503).end();
    } else if (blob && blobs.has(blob[1] ?? ''))
      send('application/octet-stream', blobs.get(blob[1] ?? '') ?? Buffer.alloc(0));
    else
      response
        .writeHead(404, { 'Content-Type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return new TestRegistry(server, `127.0.0.1:${port}`, requests);
}
