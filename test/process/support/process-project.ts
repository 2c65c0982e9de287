import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { networkName } from '../../../src/model/names.ts';
import { createProcessRuntime } from '../../../src/runtime/process/process-runtime.ts';
import { makeContainer } from '../../docker/support/make-container.ts';
import type { ConformanceProject } from '../../support/conformance.ts';

/** The built keeper: tests run what users run. */
const KEEPER = fileURLToPath(new URL('../../../dist/keeper.cjs', import.meta.url));

export interface ProcessProject extends ConformanceProject {
  /** Where its projects are. */
  readonly root: string;
}

export function makeRuntime(root: string) {
  return createProcessRuntime({ root, keeper: KEEPER, base: { PATH: process.env.PATH ?? '' } });
}

/** A project of processes in a folder of its own. */
export async function startProcessProject(): Promise<ProcessProject> {
  const root = await mkdtemp(join(tmpdir(), 'dynamo-processes-'));
  const name = `test-${process.pid}-${randomBytes(3).toString('hex')}`;
  const runtime = makeRuntime(root);
  const never = new AbortController().signal;
  return {
    name,
    root,
    runtime,
    container: (component, command, { labels: _, ...fields } = {}) =>
      makeContainer(component, command, { ...fields, project: name }),
    [Symbol.asyncDispose]: async () => {
      await runtime.removeNetwork(networkName(name), never);
      await rm(root, { recursive: true, force: true });
    },
  };
}
