import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const AUTHORITIES = ['PIP_CERT', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'] as const;
const INDEXES = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL'] as const;
/** Arguments that every builder knows without an ARG, and keeps out of an image's history. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'] as const;

/** How this machine reaches package registries; a build needs the same, and no image keeps it. */
export interface BuildNetwork {
  /** Authorities in PEM form; empty where the environment names none. */
  readonly authorities: Buffer;
  readonly buildArgs: Readonly<Record<string, string>>;
}

async function readAuthorities(): Promise<Buffer> {
  for (const name of AUTHORITIES) {
    const path = process.env[name];
    const bundle = path ? await readFile(path).catch(() => undefined) : undefined;
    if (bundle) return bundle;
  }
  return Buffer.alloc(0);
}

/** pip's own setting: a company's mirror stands in pip.conf more often than in the environment. */
async function pipIndex(): Promise<Record<string, string>> {
  try {
    const { stdout } = await promisify(execFile)('python3', ['-m', 'pip', 'config', 'get', 'global.index-url']);
    return stdout.trim() ? { PIP_INDEX_URL: stdout.trim() } : {};
  } catch {
    // No pip here, or no such setting: the public index.
    return {};
  }
}

/** Reads the environment and pip's settings. Takes a while: only for a build. */
export async function readBuildNetwork(): Promise<BuildNetwork> {
  const named = [...INDEXES, ...PROXIES].flatMap((name) => {
    const value = process.env[name];
    return value ? [[name, value] as const] : [];
  });
  const index = process.env.PIP_INDEX_URL ? {} : await pipIndex();
  return { authorities: await readAuthorities(), buildArgs: { ...index, ...Object.fromEntries(named) } };
}
