import type { DesiredFile, DesiredMount, DesiredVolume } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { expandVariables } from '../model/expand-variables.ts';
import { volumeName } from '../model/names.ts';
import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import { readVolumeFiles, type VolumeFilesContext } from './volume-files.ts';

/** Where the volumes of one pod come from on this machine. */
export interface PodVolumeContext extends Omit<VolumeFilesContext, 'container' | 'diagnostics'> {
  readonly project: string;
  readonly replica: string;
  /** Host directories that stand for claims, by claim. */
  readonly claimFolders: ReadonlyMap<string, string>;
  /** Paths of `hostPath` volumes that this machine does not have. */
  readonly missingHostPaths: ReadonlySet<string>;
  /** The container's environment, for `subPathExpr`. */
  readonly env: ReadonlyMap<string, string>;
}

/** The volumes and mounts of one container. `shmBytes` is the size of /dev/shm, `shmName` the volume that it is; `memory` says that a tmpfs volume outlives containers. */
export interface ContainerVolumes {
  readonly mounts: readonly DesiredMount[];
  readonly files: readonly DesiredFile[];
  readonly volumes: readonly Omit<DesiredVolume, 'image'>[];
  readonly shmBytes: number | undefined;
  readonly shmName: string | undefined;
  readonly memory: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

type Draft = {
  -readonly [K in keyof ContainerVolumes]: ContainerVolumes[K] extends readonly (infer T)[] ? T[] : ContainerVolumes[K];
} & {
  /** Files that are mounted alone, without a directory of their own. */
  readonly alone: { readonly path: string; readonly origin: Origin }[];
};

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/** Resolves each `volumeMounts` entry of a container against the pod's `volumes`. */
export function readContainerVolumes(pod: MapNode, container: MapNode, context: PodVolumeContext): ContainerVolumes {
  const draft: Draft = {
    mounts: [],
    files: [],
    volumes: [],
    shmBytes: undefined,
    shmName: undefined,
    memory: false,
    diagnostics: [],
    alone: [],
  };
  const volumes = new Map(itemsAt(pod, 'volumes').map((volume) => [stringAt(volume, 'name'), volume]));
  for (const mount of itemsAt(container, 'volumeMounts')) {
    const path = stringAt(mount, 'mountPath');
    const name = stringAt(mount, 'name');
    const volume = volumes.get(name);
    if (path === undefined || name === undefined) continue;
    if (volume === undefined) {
      draft.diagnostics.push({
        severity: 'error',
        code: 'VOLUME_UNKNOWN',
        message: `volumeMounts names the volume "${name}", which the pod does not have`,
        ...place(mount.origin),
        hint: `add it to volumes, or remove the mount of ${path}`,
      });
      continue;
    }
    const readOnly = booleanAt(mount, 'readOnly') ?? false;
    addMount({ draft, mount, volume, name, path, readOnly, subPath: readSubPath(mount, context), container, context });
  }
  const { alone, ...read } = draft;
  read.diagnostics.push(...filesInVolumes(alone, read));
  return read;
}

/** A file that is mounted alone is written into the container, and below a claim or a folder of the host that would be into those. */
function filesInVolumes(alone: Draft['alone'], { mounts, volumes }: ContainerVolumes): readonly Diagnostic[] {
  const scratch = new Set(volumes.filter((volume) => volume.scratch).map(({ name }) => name));
  const lasting = mounts.filter(
    (mount) => mount.kind === 'bind' || (mount.kind === 'volume' && !scratch.has(mount.volume)),
  );
  return alone.flatMap(({ path, origin }): Diagnostic[] => {
    const below = lasting.find((mount) => path.startsWith(`${mount.path.replace(/\/$/, '')}/`));
    if (below === undefined) return [];
    return [
      {
        severity: 'error',
        code: 'FILE_IN_VOLUME',
        message: `${path} is a single file below ${below.path}, which lasts: here it would be written into that volume`,
        ...place(origin),
        hint: 'mount it at a path of its own, or its whole volume as a directory',
      },
    ];
  });
}

function readSubPath(mount: Node, { env }: PodVolumeContext): string | undefined {
  const expression = stringAt(mount, 'subPathExpr');
  const written =
    expression === undefined ? stringAt(mount, 'subPath') : expandVariables(expression, (name) => env.get(name));
  return written?.replace(/^\/+|\/+$/g, '') || undefined;
}

interface MountInput {
  readonly draft: Draft;
  readonly mount: Node;
  readonly volume: Node;
  readonly name: string;
  readonly path: string;
  readonly readOnly: boolean;
  readonly subPath: string | undefined;
  readonly container: MapNode;
  readonly context: PodVolumeContext;
}

function addMount(input: MountInput): void {
  const { volume } = input;
  const claim = mapAt(volume, 'persistentVolumeClaim');
  const emptyDir = mapAt(volume, 'emptyDir');
  const hostPath = mapAt(volume, 'hostPath');
  if (claim) addClaim(input, claim);
  else if (emptyDir) addEmptyDir(input, emptyDir);
  else if (hostPath) addHostPath(input, hostPath);
  else addFiles(input);
}

function addFiles({ draft, mount, volume, name, path, subPath, container, context }: MountInput): void {
  const files = readVolumeFiles(volume, { ...context, container, diagnostics: draft.diagnostics });
  if (!files) {
    draft.diagnostics.push({
      severity: 'warning',
      code: 'VOLUME_UNSUPPORTED',
      message: `volume "${name}" is of a kind that one machine does not have; ${path} stays as the image has it`,
      ...place(volume.origin),
    });
    return;
  }
  const folder = path.replace(/\/$/, '');
  if (subPath === undefined) {
    draft.mounts.push({ kind: 'own', path });
    draft.files.push(...files.map((file) => ({ ...file, path: `${folder}/${file.path}` })));
    return;
  }
  for (const file of files) {
    if (file.path === subPath) {
      draft.files.push({ ...file, path });
      draft.alone.push({ path, origin: mount.origin });
    } else if (file.path.startsWith(`${subPath}/`))
      draft.files.push({ ...file, path: `${folder}${file.path.slice(subPath.length)}` });
  }
}

function addClaim({ draft, path, readOnly, subPath, context }: MountInput, written: MapNode): void {
  const claim = stringAt(written, 'claimName') ?? '';
  const sealed = readOnly || (booleanAt(written, 'readOnly') ?? false);
  const folder = context.claimFolders.get(claim);
  if (folder !== undefined) {
    draft.mounts.push({
      kind: 'bind',
      source: subPath ? `${folder}/${subPath}` : folder,
      path,
      readOnly: sealed,
      ...(subPath ? { create: true } : {}),
    });
    return;
  }
  const volume = volumeName(context.project, claim);
  draft.volumes.push({ name: volume, claim, scratch: false, memoryBytes: undefined, owner: context.owner });
  draft.mounts.push({
    kind: 'volume',
    volume,
    path,
    readOnly: sealed,
    noCopy: true,
    ...(subPath ? { subPath, owner: context.owner ?? 0 } : {}),
  });
}

function addEmptyDir({ draft, name, path, readOnly, subPath, context }: MountInput, emptyDir: MapNode): void {
  const limit = at(emptyDir, 'sizeLimit');
  const text = limit?.kind === 'scalar' && limit.value !== null ? String(limit.value) : undefined;
  const bytes = text === undefined ? undefined : parseQuantity(text);
  const memory = stringAt(emptyDir, 'medium') === 'Memory';
  if (memory && path === '/dev/shm') {
    draft.shmBytes = bytes ?? 8 * 2 ** 30;
    draft.shmName = name;
    return;
  }
  const volume = volumeName(context.project, `${context.replica}-${name}`);
  draft.memory ||= memory;
  draft.volumes.push({
    name: volume,
    claim: name,
    scratch: true,
    memoryBytes: memory ? (bytes ?? 0) : undefined,
    owner: undefined,
  });
  draft.mounts.push({ kind: 'volume', volume, path, readOnly, noCopy: true, ...(subPath ? { subPath } : {}) });
}

/** Types of `hostPath` whose path must be there before the pod (pkg/volume/hostpath/host_path.go checkType). */
const MUST_EXIST: readonly string[] = ['Directory', 'File', 'Socket', 'CharDevice', 'BlockDevice', 'FileOrCreate'];

function addHostPath({ draft, path, readOnly, subPath, context }: MountInput, written: MapNode): void {
  const source = stringAt(written, 'path') ?? '';
  const missing = context.missingHostPaths.has(source);
  const type = stringAt(written, 'type') ?? '';
  if (missing && MUST_EXIST.includes(type)) {
    draft.diagnostics.push({
      severity: 'error',
      code: 'HOST_PATH_MISSING',
      message: `hostPath ${source} (${type}) is not on this machine`,
      ...place(written.origin),
      hint: 'make it, or change hostPath in the file',
    });
    return;
  }
  if (missing && /^\/(?:dev|sys|proc)\//.test(source)) {
    draft.diagnostics.push({
      severity: 'notice',
      code: 'HOST_DEVICE_MISSING',
      message: `${source} is not on this machine: the volume is left out`,
      ...place(written.origin),
    });
    return;
  }
  if (missing) {
    draft.diagnostics.push({
      severity: 'notice',
      code: 'HOST_PATH_CREATED',
      message: `hostPath ${source} is not on this machine: it is made, empty, as on a node of a cluster`,
      ...place(written.origin),
    });
  }
  draft.mounts.push({
    kind: 'bind',
    source: subPath ? `${source}/${subPath}` : source,
    path,
    readOnly,
    ...(missing || subPath ? { create: true } : {}),
  });
}
