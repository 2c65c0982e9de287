import type { DesiredContainer, DesiredVolume } from './desired-state.ts';
import type { EngineFacts, GpuHold } from './host-inventory.ts';
import type { ObservedContainer, ObservedState } from './observed-state.ts';

export interface LogLine {
  /** Container name. */
  readonly name: string;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
  /** Milliseconds since the epoch, from the runtime; undefined where it was not asked for. */
  readonly at: number | undefined;
}

export interface LogOptions {
  readonly follow: boolean;
  /** Last lines only; undefined: all. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

/** Something that happened to a container of ours. `die` carries the exit code. */
export interface RuntimeEvent {
  readonly action: 'create' | 'start' | 'die' | 'oom' | 'stop' | 'kill' | 'destroy';
  readonly name: string;
  readonly project: string;
  readonly component: string;
  readonly replica: number;
  readonly exitCode?: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

/** One layer of an image; `totalBytes` is 0 until the engine knows, and for layers that are here already. */
export interface PullLayer {
  readonly id: string;
  readonly status: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface PullProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly status: string;
  readonly layers: readonly PullLayer[];
}

/** A login for a registry. `source` tells where it is from, in words that may be shown; the rest never is. */
export interface RegistryLogin {
  readonly source: string;
  readonly username: string;
  readonly password: string;
  readonly identityToken: string | undefined;
}

export interface PullOptions {
  /** Tried in order; the user's own login comes after them. */
  readonly logins?: readonly RegistryLogin[];
  readonly onProgress: (progress: PullProgress) => void;
}

/** An interactive or one-shot command in a running container, wired to the caller's streams; resolves with its exit code. */
export interface AttachedExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly user?: string;
  readonly workingDir?: string;
  readonly env?: readonly string[];
  readonly stdin: NodeJS.ReadableStream | undefined;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** What is running goes on after `release`, whoever ends. */
export interface ProjectHold {
  release(): Promise<void>;
}

/**
 * What runs containers (or processes). Every method is one call, decides nothing, and is safe to repeat: making what exists
 * or removing what is gone succeeds. Errors a user can act on are `UserError`s (exit 3 preflight, 4 start).
 */
export interface Runtime {
  readonly kind: 'docker' | 'process';
  facts(signal: AbortSignal): Promise<EngineFacts>;
  /** One snapshot: containers, networks and volumes of the project, the named images, GPU holds of all projects. */
  observe(project: string, images: readonly string[], signal: AbortSignal): Promise<ObservedState>;
  /** The containers of every project of ours (`ls`). */
  observeAll(signal: AbortSignal): Promise<readonly ObservedContainer[]>;
  gpuHolds(signal: AbortSignal): Promise<readonly GpuHold[]>;
  /** One container as it is now; undefined when it is gone. */
  inspect(name: string, signal: AbortSignal): Promise<ObservedContainer | undefined>;

  pullImage(image: string, options: PullOptions, signal: AbortSignal): Promise<void>;
  createNetwork(project: string, network: string, signal: AbortSignal): Promise<void>;
  removeNetwork(network: string, signal: AbortSignal): Promise<void>;
  createVolume(project: string, volume: DesiredVolume, signal: AbortSignal): Promise<void>;
  removeVolume(volume: string, signal: AbortSignal): Promise<void>;
  createContainer(container: DesiredContainer, signal: AbortSignal): Promise<void>;
  startContainer(name: string, signal: AbortSignal): Promise<void>;
  stopContainer(name: string, graceSeconds: number, signal: AbortSignal): Promise<void>;
  killContainer(name: string, signal: AbortSignal): Promise<void>;
  removeContainer(name: string, signal: AbortSignal): Promise<void>;
  setRestartPolicy(name: string, policy: 'no' | 'unless-stopped', signal: AbortSignal): Promise<void>;
  /** The project is about to be brought up: what takes time to be ready for that may begin, and ends by itself when nothing comes of it. */
  prepare(project: string): void;
  /**
   * Until it is released, the project lives no longer than this process: what has no restart policy of its own is stopped when this
   * process ends, by whatever cause. A runtime whose containers outlive their clients by nature holds nothing.
   */
  hold(project: string, signal: AbortSignal): Promise<ProjectHold>;

  /** Lines in order; ends when the container has ended (follow) or when all was read. Complete from the first line on. */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Live events of a project (or of all); `ready` resolves once none can be missed any more. */
  events(
    project: string | undefined,
    signal: AbortSignal,
  ): { readonly ready: Promise<void>; readonly stream: AsyncIterable<RuntimeEvent> };
  /** A command inside, for exec probes: output is cut to 10 KiB, as the kubelet does. */
  exec(name: string, command: readonly string[], signal: AbortSignal): Promise<ExecResult>;
  attachExec(name: string, options: AttachedExecOptions, signal: AbortSignal): Promise<number>;
  /** Current use per running container. */
  stats(names: readonly string[], signal: AbortSignal): Promise<readonly ContainerStats[]>;
}

export interface ContainerStats {
  readonly name: string;
  /** Cores in use, e.g. 1.5. */
  readonly cpus: number;
  readonly memoryBytes: number;
}
