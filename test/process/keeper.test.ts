import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { networkName } from '../../src/model/names.ts';
import { containerFolder, projectFolder } from '../../src/model/process-paths.ts';
import { canLimitMemory } from '../../src/runtime/process/memory-group.ts';
import { findMembers } from '../../src/runtime/process/proc.ts';
import { makeRuntime, type ProcessProject, startProcessProject } from './support/process-project.ts';

const never = new AbortController().signal;
const HOLDER = fileURLToPath(new URL('support/hold-project.ts', import.meta.url));

function folderOf({ root, name }: ProcessProject, container: string): string {
  return containerFolder(projectFolder(root, name), container);
}

/** The pid of the keeper of a project: its folder is its argument. */
function keeperPid({ root, name }: ProcessProject): number {
  const folder = projectFolder(root, name);
  const pid = readdirSync('/proc').find((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0')[2] === folder;
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error('no keeper runs');
  return Number(pid);
}

test('what is held ends with its holder, killed by any signal; what has a restart policy stays', async () => {
  await using project = await startProcessProject();
  const { runtime, root, name } = project;
  for (const signal of ['SIGKILL', 'SIGHUP'] as const) {
    const [worker, kept] = ['worker', 'kept'].map((component) =>
      project.container(component, 'sleep 60 & setsid sleep 60 & wait'),
    );
    if (!worker || !kept) throw new Error('two were made');
    for (const container of [worker, kept]) await runtime.createContainer(container, never);
    await runtime.setRestartPolicy(kept.name, 'unless-stopped', never);
    await runtime.startContainer(kept.name, never);
    const holder = spawn(process.execPath, ['--import', 'tsx', HOLDER, root, name, worker.name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    expect((await findMembers(folderOf(project, worker.name))).length).toBeGreaterThan(1);
    holder.kill(signal);
    await expect.poll(() => findMembers(folderOf(project, worker.name)), { timeout: 10_000 }).toEqual([]);
    await expect.poll(async () => (await runtime.inspect(worker.name, never))?.status).toBe('exited');
    expect(await runtime.inspect(kept.name, never)).toMatchObject({ status: 'running' });
    for (const container of [worker, kept]) await runtime.removeContainer(container.name, never);
  }
});

test('what is released goes on without its holder', async () => {
  await using project = await startProcessProject();
  const { name } = project;
  const holder = makeRuntime(project.root);
  const worker = project.container('worker', 'exec sleep 60');
  const hold = await holder.hold(name, never);
  await holder.createContainer(worker, never);
  await holder.startContainer(worker.name, never);
  await hold.release();
  expect(await project.runtime.inspect(worker.name, never)).toMatchObject({ status: 'running' });
});

test('a killed keeper leaves what is dead: the next one ends it, and reports nothing as running', async () => {
  await using project = await startProcessProject();
  const { runtime, name } = project;
  const worker = project.container('worker', '(setsid sleep 60 &) ; sleep 60');
  await runtime.createContainer(worker, never);
  await runtime.startContainer(worker.name, never);
  process.kill(keeperPid(project), 'SIGKILL');
  await expect.poll(async () => (await runtime.inspect(worker.name, never))?.status, { timeout: 5000 }).toBe('dead');
  await runtime.removeContainer(worker.name, never);
  expect(await findMembers(folderOf(project, worker.name))).toEqual([]);
  expect((await runtime.observe(name, [], never)).containers).toEqual([]);
});

/** A container that has ended with its keeper, which nobody knows yet: its state still names its pid, and `reuse` gives that to another. */
async function abandon(project: ProcessProject) {
  const { runtime } = project;
  const worker = project.container('worker', 'exec sleep 60');
  await runtime.createContainer(worker, never);
  await runtime.startContainer(worker.name, never);
  process.kill(keeperPid(project), 'SIGKILL');
  const [left] = await findMembers(folderOf(project, worker.name));
  if (left) process.kill(left.pid, 'SIGKILL');
  const file = join(folderOf(project, worker.name), 'state.json');
  const state = JSON.parse(readFileSync(file, 'utf8'));
  return { worker, reuse: (pid: number | undefined) => writeFileSync(file, JSON.stringify({ ...state, pid })) };
}

test('a pid that was reused is never signalled', async () => {
  await using project = await startProcessProject();
  const { runtime } = project;
  const { worker, reuse } = await abandon(project);
  // The kernel counts starts in hundredths of a second: no pid comes back so soon.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bystander = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  reuse(bystander.pid);
  await expect.poll(async () => (await runtime.inspect(worker.name, never))?.status, { timeout: 5000 }).toBe('exited');
  await runtime.removeContainer(worker.name, never);
  expect(bystander.exitCode).toBeNull();
  expect(bystander.signalCode).toBeNull();
  bystander.kill('SIGKILL');
});

test('the session of a pid that was reused, whose leader has ended, is never signalled', async () => {
  await using project = await startProcessProject();
  const { runtime } = project;
  const { worker, reuse } = await abandon(project);
  // A daemon as of old: its session goes on without who began it.
  const daemon = spawn('sh', ['-c', 'sleep 61 & echo $!'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(daemon.stdout, 'data');
  if (daemon.exitCode === null) await once(daemon, 'exit');
  reuse(daemon.pid);
  await runtime.removeContainer(worker.name, never);
  const pid = Number(String(line).trim());
  expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain('(sleep) S');
  process.kill(pid, 'SIGKILL');
});

test('a folder that was copied into another project is torn there, and removing it leaves the original alone', async () => {
  await using project = await startProcessProject();
  const { runtime, root, name } = project;
  const worker = project.container('worker', 'exec sleep 60');
  await runtime.createContainer(worker, never);
  await runtime.startContainer(worker.name, never);
  // Before it in the order of names, and after it.
  const copies = [`a-${name}`, `z-${name}`];
  for (const copy of copies) {
    cpSync(folderOf(project, worker.name), containerFolder(projectFolder(root, copy), worker.name), {
      recursive: true,
    });
    const { containers } = await runtime.observe(copy, [], never);
    expect(containers.map(({ status, image }) => [status, image])).toEqual([['dead', 'its state is torn']]);
    for (const { name: copied } of containers) {
      await runtime.stopContainer(copied, 1, never);
      await runtime.removeContainer(copied, never);
    }
    expect((await runtime.observe(copy, [], never)).containers).toEqual([]);
    await runtime.removeNetwork(networkName(copy), never);
  }
  expect(await runtime.inspect(worker.name, never)).toMatchObject({ status: 'running', project: name });
});

test.each([
  ['cut', (text: string) => text.slice(0, text.length / 2)],
  ['of another version', (text: string) => text.replace('"form":1', '"form":999')],
  ['of another project', (text: string) => text.replaceAll('dynamo.project":"', 'dynamo.project":"other-')],
])('state that is %s is told, not trusted, and removed with its processes', async (_, tear) => {
  await using project = await startProcessProject();
  const { runtime, name } = project;
  const worker = project.container('worker', 'exec sleep 60');
  await runtime.createContainer(worker, never);
  await runtime.startContainer(worker.name, never);
  process.kill(keeperPid(project), 'SIGKILL');
  const file = join(folderOf(project, worker.name), 'spec.json');
  writeFileSync(file, tear(readFileSync(file, 'utf8')));
  await expect.poll(async () => (await runtime.observe(name, [], never)).containers.length).toBe(1);
  const [torn] = (await runtime.observe(name, [], never)).containers;
  expect(torn).toMatchObject({ name: worker.name, status: 'dead', image: 'its state is torn' });
  await runtime.removeContainer(worker.name, never);
  expect(await findMembers(folderOf(project, worker.name))).toEqual([]);
  expect((await runtime.observe(name, [], never)).containers).toEqual([]);
});

test('files are private and go with their container; a project that is removed leaves nothing', async () => {
  await using project = await startProcessProject();
  const { runtime, name, root } = project;
  await runtime.createNetwork(name, networkName(name), never);
  const folder = folderOf(project, `${name}-reader-0`);
  const path = join(folder, 'files', 'etc', 'token');
  const reader = project.container('reader', `stat -c %a ${folder} ${path}; cat ${path}`, {
    files: [{ path, content: 'secret', mode: 0o400, secret: true, owner: undefined }],
  });
  await runtime.createContainer(reader, never);
  await runtime.startContainer(reader.name, never);
  const lines: string[] = [];
  for await (const { line } of runtime.logs(reader.name, { follow: true }, never)) lines.push(line);
  expect(lines).toEqual(['700', '400', 'secret']);
  await runtime.removeNetwork(networkName(name), never);
  expect(await runtime.observe(name, [], never)).toMatchObject({ containers: [], networks: [] });
  // The keeper ends once nobody is connected to it: this process still is.
  expect(readdirSync(join(root, name)).toSorted()).toEqual(['keeper.sock']);
});

test('a program that is not there is refused in words', async () => {
  await using project = await startProcessProject();
  const { runtime } = project;
  const lost = project.container('lost', '', { entrypoint: ['no-such-program'] });
  await runtime.createContainer(lost, never);
  await expect(runtime.startContainer(lost.name, never)).rejects.toMatchObject({ code: 'START_FAILED', exitCode: 4 });
  const nowhere = project.container('nowhere', 'true', { workingDir: '/no/such/directory' });
  await runtime.createContainer(nowhere, never);
  await expect(runtime.startContainer(nowhere.name, never)).rejects.toMatchObject({ code: 'START_FAILED' });
});

test.runIf(canLimitMemory())('a limit of memory is kept, and who reaches it is told from other kills', async () => {
  await using project = await startProcessProject();
  const { runtime } = project;
  const hungry = project.container('hungry', 'head -c 200000000 /dev/zero | tail', { memoryBytes: 50 * 2 ** 20 });
  const modest = project.container('modest', 'kill -9 $$', { memoryBytes: 50 * 2 ** 20 });
  for (const container of [hungry, modest]) {
    await runtime.createContainer(container, never);
    await runtime.startContainer(container.name, never);
    await expect
      .poll(async () => (await runtime.inspect(container.name, never))?.status, { timeout: 10_000 })
      .toBe('exited');
  }
  expect(await runtime.inspect(hungry.name, never)).toMatchObject({ oomKilled: true, memoryLimited: true });
  expect(await runtime.inspect(modest.name, never)).toMatchObject({ oomKilled: false, exitCode: 137 });
});
