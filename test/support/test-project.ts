import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { LABEL } from '../../src/model/labels.ts';
import { cli } from './spawn-cli.ts';

export const docker = new Docker();

/** An example of launch/. */
export function example(path: string): string {
  return fileURLToPath(new URL(`../../launch/${path}`, import.meta.url));
}

export interface TestProject extends AsyncDisposable {
  readonly name: string;
  /** Writes a file for this test alone. */
  readonly write: (name: string, text: string) => Promise<string>;
  /** Names of what the engine still has of the project. */
  readonly leftovers: () => Promise<readonly string[]>;
}

/** A project with a name of its own, gone with everything it made when the test ends, however it ends. */
export async function testProject(prefix: string): Promise<TestProject> {
  const name = `t-${prefix}-${randomBytes(3).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-test-'));
  return {
    name,
    write: async (file, text) => {
      await writeFile(join(folder, file), text);
      return join(folder, file);
    },
    leftovers: () => listLeftovers(name),
    [Symbol.asyncDispose]: async () => {
      await cli(['down', '-v', '-p', name, '--progress', 'quiet']);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listLeftovers(project: string): Promise<readonly string[]> {
  const filters = { label: [`${LABEL.project}=${project}`] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map((container) => container.Names[0] ?? container.Id),
    ...networks.map((network) => network.Name),
    ...volumes.Volumes.map((volume) => volume.Name),
  ];
}

export interface PsRow {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly startedAt: string | null;
  readonly restarts: number;
  readonly gpus: readonly string[];
  readonly url: string | null;
  readonly runtimeVersion: string;
  readonly liveness: string;
  readonly registered: number | null;
  readonly instances: number;
  readonly served: number | null;
}

export async function ps(project: string, env: Readonly<Record<string, string>> = {}): Promise<readonly PsRow[]> {
  const { stdout, stderr, exitCode } = await cli(['ps', '-p', project, '--format', 'json'], env);
  if (exitCode !== 0) throw new Error(`ps ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout);
}

/** The address of the project's frontend on this machine. */
export async function frontendUrl(project: string): Promise<string> {
  const url = (await ps(project)).find((row) => row.url !== null)?.url;
  if (!url) throw new Error(`project ${project} has no frontend`);
  return url;
}

/** One chat completion's text; throws what was answered instead. */
export async function chat(url: string, model = 'local/tiny'): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 8 }),
    signal: AbortSignal.timeout(20_000),
  });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${body}`);
  return JSON.parse(body).choices[0].message.content;
}

/** Tries until it does not throw, for as long as the test may take. */
export async function eventually<T>(check: () => Promise<T>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
