import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Where groups with a limit can be made: below our own in version 1, beside it in version 2, whose groups have processes or children. */
interface Parent {
  readonly folder: string;
  readonly limit: 'memory.limit_in_bytes' | 'memory.max';
  /** The file that counts kills (`oom_kill N`). */
  readonly kills: 'memory.oom_control' | 'memory.events';
}

/** The line of /proc/self/cgroup that counts: `4:memory:/a/b` in version 1, `0::/a/b` in version 2. */
export function parseMemoryParents(text: string): readonly Parent[] {
  const paths = text.split('\n').flatMap((line) => {
    const [, controllers = '', path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [{ controllers: controllers.split(','), path }];
  });
  const old = paths.find(({ controllers }) => controllers.includes('memory'));
  if (old) {
    const folder = join(ROOT, 'memory', old.path);
    return [{ folder, limit: 'memory.limit_in_bytes', kills: 'memory.oom_control' }];
  }
  const unified = paths.find(({ controllers }) => controllers[0] === '');
  if (!unified) return [];
  const folder = dirname(join(ROOT, unified.path));
  return folder.startsWith(ROOT) ? [{ folder, limit: 'memory.max', kills: 'memory.events' }] : [];
}

function readParents(): readonly Parent[] {
  try {
    return parseMemoryParents(readFileSync('/proc/self/cgroup', 'utf8'));
  } catch {
    return [];
  }
}

/** Whether this user may limit the memory of processes here; changes nothing. */
export function canLimitMemory(): boolean {
  return readParents().some(({ folder, limit }) => {
    try {
      accessSync(folder, constants.W_OK);
      // A group that hands the controller on to its children has it in its own list.
      return (
        limit === 'memory.limit_in_bytes' ||
        readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8').split(/\s+/).includes('memory')
      );
    } catch {
      return false;
    }
  });
}

/** A group of processes that together have a limit of memory. */
export class MemoryGroup {
  readonly #folder: string;
  readonly #kills: string;

  private constructor(folder: string, kills: string) {
    this.#folder = folder;
    this.#kills = kills;
  }

  /** Undefined where none can be made: the limit is not kept then. */
  static make(name: string, bytes: number): MemoryGroup | undefined {
    for (const { folder, limit, kills } of readParents()) {
      const group = join(folder, name);
      try {
        mkdirSync(group, { recursive: true });
        if (existsSync(join(group, limit))) {
          writeFileSync(join(group, limit), String(Math.floor(bytes)));
          return new MemoryGroup(group, join(group, kills));
        }
        rmdirSync(group);
      } catch {
        // Somebody else's to give.
      }
    }
    return undefined;
  }

  /** The command that runs `command` within the group from its first instruction on. */
  wrap(command: readonly string[]): readonly string[] {
    return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', join(this.#folder, 'cgroup.procs'), ...command];
  }

  /** How many of its processes the kernel killed because the limit was reached. */
  get kills(): number {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(this.#kills, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  }

  /** Once nothing of it runs. */
  remove(): void {
    try {
      rmdirSync(this.#folder);
    } catch {
      // The kernel lets go of its last process a moment later: an empty group costs nothing, and its name is used again.
    }
  }
}
