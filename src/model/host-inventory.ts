/** A process on a GPU. `memoryBytes` is what the driver says it holds; 0 where the driver does not say. */
export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  readonly memoryBytes: number;
}

export interface Gpu {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  readonly processes: readonly GpuProcess[];
  /** Set in MIG mode, where only slices can be used; empty until somebody makes some. */
  readonly slices?: readonly MigSlice[];
  /** Undefined: any number of processes may use it. */
  readonly computeMode?: 'exclusive' | 'prohibited';
  /** False where the driver is unloaded whenever nobody uses the GPU; undefined where nobody can tell. */
  readonly persistent?: boolean;
}

/** A part of a GPU that the driver gives out as a device of its own (Multi-Instance GPU). */
export interface MigSlice {
  /** Counts within its GPU. */
  readonly index: number;
  readonly uuid: string;
  /** Compute and memory: `3g.40gb`. */
  readonly profile: string;
  /** What the profile names; the driver gives a little less. */
  readonly memoryBytes: number;
  readonly processes: readonly GpuProcess[];
}

/** GPUs of this machine. `problem` says why there are none when `nvidia-smi` is missing or fails. */
export interface GpuInventory {
  readonly gpus: readonly Gpu[];
  readonly driverVersion: string | undefined;
  readonly problem: string | undefined;
}

/** How two GPUs are connected, by their indexes, in the words of `nvidia-smi topo -m`: `NV18`, `PIX`, `SYS`. */
export type GpuTopology = ReadonlyMap<number, ReadonlyMap<number, string>>;

/** What a container engine says about itself. */
export interface EngineFacts {
  readonly serverVersion: string;
  readonly apiVersion: string;
  /** Where its images and containers live, for the look at free disk space; undefined when the engine is elsewhere. */
  readonly rootDirectory: string | undefined;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly rootless: boolean;
  /** It may raise the resource limits of containers above its own (CAP_SYS_RESOURCE): some virtual machines take that away. */
  readonly raisesLimits: boolean;
  /** False on WSL2, where the driver shows every GPU to every container (NVIDIA/nvidia-container-toolkit#21). */
  readonly filtersGpus: boolean;
  /** How this process reaches a container: by its address, or by ports published on loopback (DESIGN decision 3). */
  readonly reach: Reach;
}
export type Reach = 'direct' | 'published';

/** A GPU that a container of some project of ours holds, read from its labels. */
export interface GpuHold {
  readonly uuid: string;
  readonly project: string;
  readonly replica: string;
}
