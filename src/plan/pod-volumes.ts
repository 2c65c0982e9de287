import type { DesiredFile, DesiredMount, DesiredVolume } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { volumeName } from '../model/names.ts';
import { at, booleanAt, itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { parseQuantity } from '../model/quantity.ts';
import type { CompanionValue, CompanionValues } from './companion-values.ts';

/** Where the volumes of one pod come from on this machine. */
export interface PodVolumeContext {
  readonly project: string;
  readonly replica: string;
  readonly companions: CompanionValues;
  /** `fsGroup`: who owns fresh volumes. */
  readonly owner: number | undefined;
  /** Values of downward API items by field path. */
  readonly readField: (path: string) => string | undefined;
}

/** The volumes and mounts of one container. `shmBytes` is the size of /dev/shm; `memory` says that a tmpfs volume outlives containers. */
export interface ContainerVolumes {
  readonly mounts: readonly DesiredMount[];
  readonly files: readonly DesiredFile[];
  readonly volumes: readonly Omit<DesiredVolume, 'image'>[];
  readonly shmBytes: number | undefined;
  readonly memory: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

type Draft = {
  -readonly [K in keyof ContainerVolumes]: ContainerVolumes[K] extends readonly (infer T)[] ? T[] : ContainerVolumes[K];
};

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/** Resolves each `volumeMounts` entry of a container against the pod's `volumes`. */
export function readContainerVolumes(pod: MapNode, container: MapNode, context: PodVolumeContext): ContainerVolumes {
  const draft: Draft = { mounts: [], files: [], volumes: [], shmBytes: undefined, memory: false, diagnostics: [] };
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
    addMount({ draft, volume, name, path, mount, context });
  }
  return draft;
}

interface MountInput {
  readonly draft: Draft;
  readonly volume: Node;
  readonly name: string;
  readonly path: string;
  readonly mount: Node;
  readonly context: PodVolumeContext;
}

function addMount(input: MountInput): void {
  const { draft, volume, name, path, mount, context } = input;
  const readOnly = booleanAt(mount, 'readOnly') ?? false;
  const subPath = stringAt(mount, 'subPath');
  const claim = stringAt(volume, 'persistentVolumeClaim', 'claimName');
  if (claim !== undefined) {
    const volumeOf = volumeName(context.project, claim);
    const base = { name: volumeOf, claim, scratch: false, memoryBytes: undefined, owner: context.owner };
    draft.volumes.push(base);
    draft.mounts.push({
      kind: 'volume',
      volume: volumeOf,
      path,
      readOnly,
      noCopy: true,
      ...(subPath ? { subPath } : {}),
    });
    return;
  }
  const emptyDir = mapAt(volume, 'emptyDir');
  if (emptyDir) {
    addEmptyDir(input, emptyDir, readOnly, subPath);
    return;
  }
  const source = stringAt(volume, 'hostPath', 'path');
  if (source !== undefined) {
    draft.mounts.push({ kind: 'bind', source: subPath ? `${source}/${subPath}` : source, path, readOnly });
    return;
  }
  const files = readFiles(volume, context, draft.diagnostics);
  if (!files) {
    draft.diagnostics.push({
      severity: 'warning',
      code: 'VOLUME_UNSUPPORTED',
      message: `volume "${name}" is of a kind that one machine does not have; ${path} stays as the image has it`,
      ...place(volume.origin),
    });
    return;
  }
  for (const file of files) {
    if (subPath === undefined) draft.files.push({ ...file, path: `${path.replace(/\/$/, '')}/${file.path}` });
    else if (file.path === subPath) draft.files.push({ ...file, path });
  }
}

function addEmptyDir(input: MountInput, emptyDir: MapNode, readOnly: boolean, subPath: string | undefined): void {
  const { draft, name, path, context } = input;
  const limit = at(emptyDir, 'sizeLimit');
  const text = limit?.kind === 'scalar' && limit.value !== null ? String(limit.value) : undefined;
  const bytes = text === undefined ? undefined : parseQuantity(text);
  const memory = stringAt(emptyDir, 'medium') === 'Memory';
  if (memory && path === '/dev/shm') {
    draft.shmBytes = bytes ?? 8 * 2 ** 30;
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

/** The files of a configMap, secret, downwardAPI or projected volume, paths relative to the mount; undefined for other kinds. */
function readFiles(volume: Node, context: PodVolumeContext, diagnostics: Diagnostic[]): DesiredFile[] | undefined {
  for (const kind of ['configMap', 'secret'] as const) {
    const written = mapAt(volume, kind);
    if (written) return readObjectFiles(kind, written, context, diagnostics);
  }
  const downward = mapAt(volume, 'downwardAPI');
  if (downward) {
    return itemsAt(downward, 'items').map((item) => ({
      path: stringAt(item, 'path') ?? '',
      content: context.readField(stringAt(item, 'fieldRef', 'fieldPath') ?? '') ?? '',
      mode: numberAt(item, 'mode') ?? 0o644,
      secret: false,
      owner: undefined,
    }));
  }
  const projected = mapAt(volume, 'projected');
  if (projected)
    return itemsAt(projected, 'sources').flatMap((source) => readFiles(source, context, diagnostics) ?? []);
  return undefined;
}

function readObjectFiles(
  kind: 'configMap' | 'secret',
  written: MapNode,
  context: PodVolumeContext,
  diagnostics: Diagnostic[],
): DesiredFile[] {
  const name = stringAt(written, kind === 'secret' ? 'secretName' : 'name') ?? stringAt(written, 'name') ?? '';
  const found = (kind === 'secret' ? context.companions.secrets : context.companions.configMaps).get(name);
  if (!found) {
    if (!booleanAt(written, 'optional')) {
      diagnostics.push({
        severity: 'warning',
        code: kind === 'secret' ? 'SECRET_MISSING' : 'CONFIG_MAP_MISSING',
        message: `${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${name} is not in the file; its files are left out`,
        ...place(written.origin),
        hint: 'add it to the file as a document of its own',
      });
    }
    return [];
  }
  const mode = numberAt(written, 'defaultMode') ?? 0o644;
  const file = (path: string, value: CompanionValue, fileMode: number): DesiredFile => ({
    path,
    content: value.bytes,
    mode: fileMode,
    secret: kind === 'secret',
    owner: kind === 'secret' ? context.owner : undefined,
  });
  const items = itemsAt(written, 'items');
  if (items.length === 0) return [...found].map(([key, value]) => file(key, value, mode));
  return items.flatMap((item) => {
    const value = found.get(stringAt(item, 'key') ?? '');
    return value ? [file(stringAt(item, 'path') ?? '', value, numberAt(item, 'mode') ?? mode)] : [];
  });
}
