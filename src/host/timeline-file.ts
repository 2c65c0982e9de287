import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Timeline } from '../model/timeline.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Runs that are kept of a project: the last and the one it is compared with. */
const KEPT = 2;

function fileOf(project: string, env: Env): string {
  const state = env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state');
  return join(state, 'dynamo', 'timelines', `${project}.json`);
}

function isTimeline(value: unknown): value is Timeline {
  return (
    typeof value === 'object' &&
    value !== null &&
    'totalMs' in value &&
    typeof value.totalMs === 'number' &&
    'spans' in value &&
    Array.isArray(value.spans) &&
    'criticalPath' in value &&
    Array.isArray(value.criticalPath)
  );
}

/** The kept runs of a project, last one first; none where there is no file, or none that can be read. */
export async function readTimelines(project: string, env: Env): Promise<readonly Timeline[]> {
  try {
    const parsed: unknown = JSON.parse(await readFile(fileOf(project, env), 'utf8'));
    return Array.isArray(parsed) ? parsed.filter(isTimeline) : [];
  } catch {
    return [];
  }
}

/** Puts a run before those that are kept; the file is whole at any moment. */
export async function keepTimeline(timeline: Timeline, env: Env): Promise<void> {
  const file = fileOf(timeline.project, env);
  const kept = [timeline, ...(await readTimelines(timeline.project, env))].slice(0, KEPT);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, JSON.stringify(kept), { mode: 0o600 });
  await rename(unfinished, file);
}
