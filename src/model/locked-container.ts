/** What a container needs to be a room for a script: no network, no capabilities, no new privileges, and the limits below. */
export interface LockedContainer {
  readonly command: readonly string[];
  readonly mounts: readonly { readonly source: string; readonly path: string; readonly readOnly: boolean }[];
  /** Directories that live in memory, `bytes` large, and writable for everyone. */
  readonly tmpfs: readonly { readonly path: string; readonly bytes: number }[];
  /** `uid:gid` */
  readonly user: string;
  readonly memoryBytes: number;
  readonly processes: number;
}

/**
 * Runs a container without network (`--network none --cap-drop ALL --security-opt no-new-privileges`) of an image that has bash
 * and the coreutils, as its first process, and returns what it wrote on stdout. Rejects when no such container can be had.
 */
export type RunInContainer = (
  container: LockedContainer,
  signal: AbortSignal,
) => Promise<{ readonly exitCode: number; readonly stdout: Uint8Array }>;
