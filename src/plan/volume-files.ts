import type { DesiredFile } from '../model/desired-state.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt } from '../model/node.ts';
import type { CompanionValue, CompanionValues } from './companion-values.ts';
import { missingCompanion } from './missing-companion.ts';
import { type PodIdentity, readField, readResource } from './pod-identity.ts';

/** What files of a volume are made of. */
export interface VolumeFilesContext {
  readonly companions: CompanionValues;
  readonly identity: PodIdentity;
  /** The container that mounts it: whose `resourceFieldRef` this is. */
  readonly container: MapNode;
  /** `fsGroup`: the files are its own, and it may read them whatever their mode (kubelet pkg/volume/volume_linux.go, `rwMask`/`roMask`). */
  readonly owner: number | undefined;
  readonly diagnostics: Diagnostic[];
}

/** pkg/apis/core/v1/defaults.go SetDefaults_SecretVolumeSource and its neighbours. */
const DEFAULT_MODE = 0o644;

/** The files of a configMap, secret, downwardAPI or projected volume, paths relative to the mount; undefined for other kinds. */
export function readVolumeFiles(volume: Node, context: VolumeFilesContext): DesiredFile[] | undefined {
  const projected = mapAt(volume, 'projected');
  if (!projected) return readSource(volume, DEFAULT_MODE, context);
  const mode = numberAt(projected, 'defaultMode') ?? DEFAULT_MODE;
  const files = itemsAt(projected, 'sources').flatMap((source) => {
    const read = readSource(source, mode, context);
    if (!read) context.diagnostics.push(unsupportedSource(source));
    return read ?? [];
  });
  // Later sources win, as the kubelet writes them one over the other.
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

/** Read-only for owner and group, as the kubelet adds it (roMask 0440). */
function readable(mode: number, { owner }: VolumeFilesContext): number {
  return owner === undefined ? mode : mode | 0o440;
}

function unsupportedSource(source: Node): Diagnostic {
  const kind = source.kind === 'map' ? ([...source.fields.keys()][0] ?? '') : '';
  return {
    severity: 'warning',
    code: 'VOLUME_UNSUPPORTED',
    message: `a projected volume takes ${kind} from a cluster: its files are left out`,
    ...(source.origin.kind === 'file' ? { at: source.origin.at } : {}),
  };
}

function readSource(volume: Node, mode: number, context: VolumeFilesContext): DesiredFile[] | undefined {
  for (const kind of ['configMap', 'secret'] as const) {
    const written = mapAt(volume, kind);
    if (written) return readObjectFiles(kind, written, mode, context);
  }
  const downward = mapAt(volume, 'downwardAPI');
  return downward ? readDownward(downward, mode, context) : undefined;
}

function readDownward(written: MapNode, mode: number, context: VolumeFilesContext): DesiredFile[] {
  const fallback = numberAt(written, 'defaultMode') ?? mode;
  return itemsAt(written, 'items').map((item) => {
    const resource = mapAt(item, 'resourceFieldRef');
    const content = resource
      ? readResource(resource, context.identity, context.container)
      : readField(stringAt(item, 'fieldRef', 'fieldPath') ?? '', context.identity);
    return {
      path: stringAt(item, 'path') ?? '',
      content: content ?? '',
      mode: readable(numberAt(item, 'mode') ?? fallback, context),
      secret: false,
      owner: context.owner,
    };
  });
}

function readObjectFiles(
  kind: 'configMap' | 'secret',
  written: MapNode,
  mode: number,
  context: VolumeFilesContext,
): DesiredFile[] {
  // A projected source calls it `name`.
  const name = (kind === 'secret' ? stringAt(written, 'secretName') : undefined) ?? stringAt(written, 'name') ?? '';
  const found = (kind === 'secret' ? context.companions.secrets : context.companions.configMaps).get(name);
  const missing = { kind: kind === 'secret' ? 'Secret' : 'ConfigMap', name, reference: written } as const;
  if (!found) {
    context.diagnostics.push(...missingCompanion(missing));
    return [];
  }
  const fallback = numberAt(written, 'defaultMode') ?? mode;
  const file = (path: string, value: CompanionValue, fileMode: number): DesiredFile => ({
    path,
    content: value.bytes,
    mode: readable(fileMode, context),
    secret: kind === 'secret',
    owner: context.owner,
  });
  const items = itemsAt(written, 'items');
  if (items.length === 0) return [...found].map(([key, value]) => file(key, value, fallback));
  return items.flatMap((item) => {
    const key = stringAt(item, 'key') ?? '';
    const value = found.get(key);
    if (value) return [file(stringAt(item, 'path') ?? key, value, numberAt(item, 'mode') ?? fallback)];
    context.diagnostics.push(...missingCompanion({ ...missing, key }));
    return [];
  });
}
