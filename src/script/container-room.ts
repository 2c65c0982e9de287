import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunInContainer } from '../model/locked-container.ts';
import { type RoomOutput, type RoomPaths, type RoomPlan, writeProgramLinks, writeRoomFiles } from './make-room.ts';
import { HIDDEN_IN_CONTAINERS, PURE_PROGRAMS } from './program-names.ts';
import type { ScriptTree } from './script-tree.ts';
import { isBelow } from './script-tree.ts';
import { stageTree } from './stage-tree.ts';

const ROOM = '/.dynamo';
const NOBODY = 65534;
const RECORD_BYTES = 64 * 1024 * 1024;

/** Runs the plan in a container without network, on a copy of the script's tree. Returns the driver's output and how much of the tree was left out. */
export async function runInContainerRoom(
  directory: string,
  plan: RoomPlan,
  tree: ScriptTree,
  run: RunInContainer,
  signal: AbortSignal,
): Promise<RoomOutput> {
  const real = (name: string) =>
    PURE_PROGRAMS.includes(name) || name === 'env'
      ? `${name === 'bash' || name === 'sh' ? '/bin' : '/usr/bin'}/${name}`
      : undefined;
  const paths: RoomPaths = {
    room: ROOM,
    real,
    python: undefined,
    confine: [],
    ownProcesses: true,
    userLimit: false,
    driverProcesses: 2,
  };
  writeRoomFiles(directory, plan, paths);
  const bin = join(directory, 'bin');
  // Pure programs are those of the image: the links made here stand first in PATH and must not hide them.
  writeProgramLinks(bin, `${ROOM}/lib/stand-in`, { ...paths, real: () => undefined }, plan.invented);
  const staged = join(directory, 'tree');
  mkdirSync(staged);
  const leftOut = stageTree(tree, staged, plan.limits.treeBytes);
  for (const path of [directory, bin, staged]) chmodSync(path, 0o755);
  chmodSync(staged, 0o777);
  const standIn = join(directory, 'lib', 'stand-in');
  const inTree = plan.invented.filter((path) => isBelow(path, tree.root));
  const hidden = [
    ...HIDDEN_IN_CONTAINERS.map((name) => `/usr/bin/${name}`),
    ...plan.invented.filter((path) => !inTree.includes(path)),
  ];
  // What is sourced and not run is an empty file.
  const invent = (path: string) => ({
    source: path.endsWith('/activate') ? join(directory, 'lib', 'stdin') : standIn,
    path,
    readOnly: true,
  });
  const result = await run(
    {
      command: ['/bin/bash', '--norc', `${ROOM}/lib/driver`],
      mounts: [
        { source: join(directory, 'lib'), path: `${ROOM}/lib`, readOnly: true },
        { source: bin, path: '/usr/local/sbin', readOnly: true },
        { source: staged, path: tree.root, readOnly: false },
        ...(tree.root === '/workspace' ? [] : [{ source: staged, path: '/workspace', readOnly: false }]),
        ...hidden.filter((path) => dirname(path) !== '/usr/local/sbin').map(invent),
        ...inTree.map(invent),
      ],
      tmpfs: [
        { path: `${ROOM}/records`, bytes: RECORD_BYTES },
        { path: `${ROOM}/out`, bytes: plan.limits.writtenBytes },
        { path: '/home/dynamo', bytes: plan.limits.writtenBytes },
        { path: '/tmp', bytes: plan.limits.writtenBytes },
      ],
      // The caller must be able to remove what the script leaves in the copy; root gives its rights up.
      user: `${process.getuid?.() || NOBODY}:${process.getgid?.() || NOBODY}`,
      memoryBytes: plan.limits.memoryBytes,
      processes: plan.limits.processes,
    },
    signal,
  );
  // A container that was ended on request has said what it had time for.
  signal.throwIfAborted();
  return { output: Buffer.from(result.stdout), leftOut };
}
