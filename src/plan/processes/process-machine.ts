import type { DesiredFile } from '../../model/desired-state.ts';

/** How processes of a graph find each other. */
export type ProcessInfra =
  /** Programs of this machine, as processes of the project; undefined: not here, or not needed. */
  | { readonly kind: 'own'; readonly etcd: string; readonly nats: string | undefined }
  /** Servers that run already. */
  | { readonly kind: 'shared' }
  /** No server at all: a directory of the project. */
  | { readonly kind: 'files' };

/** The machine that processes are laid out for. */
export interface ProcessMachine {
  /** The interpreter that has Dynamo, absolute. */
  readonly python: string;
  readonly dynamoVersion: string;
  /** Folder of the project. */
  readonly folder: string;
  /** Where processes run whose own working directory is not here. */
  readonly workingDirectory: string;
  readonly infra: ProcessInfra;
  readonly bind: string;
  readonly userId: number;
  /** Limits of memory can be kept. */
  readonly limitsMemory: boolean;
  /** Whether a path is on this machine. */
  readonly isHere: (path: string) => boolean;
  /** What an image brings besides programs that its processes need; paths are absolute in the image. */
  readonly imageContents: (image: string) => ImageContents | undefined;
}

export interface ImageContents {
  readonly files: readonly DesiredFile[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
}

/** Host port by port of the pod, of one replica (or of `etcd`, `nats`). */
export type PortMap = ReadonlyMap<number, number>;
