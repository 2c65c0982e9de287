import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DesiredContainer } from '../../model/desired-state.ts';
import { LABEL } from '../../model/labels.ts';

/** Bumped when the form of the files changes; files of another form are foreign. */
const FORM = 1;

/** What a container shall be: written once, before it is first started. Its files stand beside it. */
export interface ContainerSpec {
  readonly container: Omit<DesiredContainer, 'files'>;
  /** What its processes have from the user's environment (PATH, HOME, …): not part of its hash. */
  readonly base: Readonly<Record<string, string>>;
}

/** How a container is: written by its keeper alone, whole, at every change. */
export interface ContainerState {
  readonly status: 'created' | 'running' | 'restarting' | 'exited';
  readonly pid?: number;
  /** Ticks after boot at which the kernel started it, with the boot's own id: a reused pid is another process. */
  readonly startTime?: string;
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly restartPolicy: 'no' | 'unless-stopped';
  readonly restartCount: number;
}

/** `torn`: a file is missing, cut, or of another form; nothing in it counts. */
export type ReadContainer =
  | { readonly kind: 'whole'; readonly spec: ContainerSpec; readonly state: ContainerState }
  | { readonly kind: 'torn'; readonly problem: string };

const SPEC = 'spec.json';
const STATE = 'state.json';
const PRIVATE = 0o600;

/** Whether it was made as this container of this project: a folder that was copied from elsewhere says something else. */
export function isOf({ container }: ContainerSpec, project: string, name: string): boolean {
  return container.name === name && container.labels[LABEL.project] === project;
}

export async function writeSpec(folder: string, spec: ContainerSpec): Promise<void> {
  await writeWhole(join(folder, SPEC), { form: FORM, ...spec });
}

export async function writeState(folder: string, state: ContainerState): Promise<void> {
  await writeWhole(join(folder, STATE), { form: FORM, ...state });
}

/** A reader sees the old file or the new one, never a part. */
export async function writeWhole(path: string, value: unknown): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, JSON.stringify(value), { mode: PRIVATE });
  await rename(fresh, path);
}

/** Makes a folder that only its owner may look into. */
export async function makePrivateFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Both files of a container; undefined when its folder is gone. */
export async function readContainer(folder: string): Promise<ReadContainer | undefined> {
  const [spec, state] = await Promise.all([readJson(join(folder, SPEC)), readJson(join(folder, STATE))]);
  if (spec.kind === 'missing' && state.kind === 'missing') return undefined;
  if (spec.kind !== 'read') return torn(SPEC, spec);
  if (state.kind !== 'read') return torn(STATE, state);
  if (!isSpec(spec.value)) return { kind: 'torn', problem: `${SPEC} is not of this version of dynamo` };
  if (!isState(state.value)) return { kind: 'torn', problem: `${STATE} is not of this version of dynamo` };
  return { kind: 'whole', spec: spec.value, state: state.value };
}

type ReadJson =
  | { readonly kind: 'read'; readonly value: unknown }
  | { readonly kind: 'missing' }
  | { readonly kind: 'broken' };

async function readJson(path: string): Promise<ReadJson> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return { kind: 'missing' };
  }
  try {
    return { kind: 'read', value: JSON.parse(text) };
  } catch {
    return { kind: 'broken' };
  }
}

function torn(file: string, { kind }: ReadJson): ReadContainer {
  return { kind: 'torn', problem: kind === 'missing' ? `${file} is missing` : `${file} is no JSON` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** This program alone writes the file, whole: its form and its labels are enough to know it by. */
function isSpec(value: unknown): value is ContainerSpec {
  if (!isObject(value) || value.form !== FORM || !isObject(value.base) || !isObject(value.container)) return false;
  const { labels, name, env } = value.container;
  return isObject(labels) && typeof name === 'string' && Array.isArray(env);
}

const STATUSES: readonly unknown[] = [
  'created',
  'running',
  'restarting',
  'exited',
] satisfies ContainerState['status'][];

function isState(value: unknown): value is ContainerState {
  if (!isObject(value) || value.form !== FORM || !STATUSES.includes(value.status)) return false;
  const runs = value.status === 'running';
  return !runs || (Number.isInteger(value.pid) && Number(value.pid) > 1 && typeof value.startTime === 'string');
}
