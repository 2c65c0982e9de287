import type { Diagnostic } from '../model/diagnostic.ts';
import { booleanAt, itemsAt, type MapNode, mapAt, numberAt, stringAt } from '../model/node.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { readPodContainers } from './local-pod.ts';
import type { HostFolder } from './model-cache.ts';

interface ClaimUse {
  readonly component: string;
  /** User id that writes to it. */
  readonly user: number;
  readonly readOnly: boolean;
  /** It is mounted where the hub client keeps its cache. */
  readonly isHubCache: boolean;
}

export interface ClaimPod {
  readonly component: string;
  readonly spec: MapNode;
  readonly runtime: RuntimeFacts;
}

function listContainers(spec: MapNode): readonly MapNode[] {
  const { init, main, sidecars } = readPodContainers(spec);
  return [...init.map(({ container }) => container), ...sidecars, ...(main ? [main] : [])];
}

function hubHome(container: MapNode, runtime: RuntimeFacts): string {
  const written = itemsAt(container, 'env').findLast((item) => stringAt(item, 'name') === 'HF_HOME');
  return (stringAt(written, 'value') ?? `${runtime.home}/.cache/huggingface`).replace(/\/+$/, '');
}

/** Every mount of every claim, by claim. */
function readUses(pods: readonly ClaimPod[]): ReadonlyMap<string, readonly ClaimUse[]> {
  const uses = new Map<string, ClaimUse[]>();
  for (const { component, spec, runtime } of pods) {
    const claims = new Map(
      itemsAt(spec, 'volumes').map((volume) => [
        stringAt(volume, 'name'),
        stringAt(volume, 'persistentVolumeClaim', 'claimName'),
      ]),
    );
    for (const container of listContainers(spec)) {
      const own = numberAt(mapAt(container, 'securityContext'), 'runAsUser');
      const user = own ?? numberAt(mapAt(spec, 'securityContext'), 'runAsUser') ?? runtime.user;
      for (const mount of itemsAt(container, 'volumeMounts')) {
        const claim = claims.get(stringAt(mount, 'name'));
        if (claim === undefined) continue;
        const path = stringAt(mount, 'mountPath')?.replace(/\/+$/, '');
        const isHubCache = path === hubHome(container, runtime) && stringAt(mount, 'subPath') === undefined;
        const readOnly = booleanAt(mount, 'readOnly') ?? false;
        uses.set(claim, [...(uses.get(claim) ?? []), { component, user, readOnly, isHubCache }]);
      }
    }
  }
  return uses;
}

function mayWrite(folder: HostFolder, { user, readOnly }: ClaimUse): boolean {
  return readOnly || user === 0 || folder.open || folder.owner === user;
}

/**
 * The host directory of each claim that has one: that of `--volume`, else the caller's Hugging Face cache where the claim is mounted as
 * HF_HOME and all who mount it can write there. Every other claim is a named volume.
 */
export function chooseClaimFolders(
  pods: readonly ClaimPod[],
  given: ReadonlyMap<string, HostFolder>,
  cache: HostFolder | undefined,
): { readonly folders: ReadonlyMap<string, string>; readonly diagnostics: readonly Diagnostic[] } {
  const uses = readUses(pods);
  const folders = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const claim of given.keys()) {
    if (uses.has(claim)) continue;
    const claims = [...uses.keys()];
    diagnostics.push({
      severity: 'error',
      code: 'VOLUME_UNKNOWN',
      message: `--volume: the graph mounts no claim "${claim}"`,
      hint: claims.length > 0 ? `it mounts ${claims.join(', ')}` : 'it mounts none',
    });
  }
  for (const [claim, mounts] of uses) {
    const chosen = given.get(claim);
    const folder = chosen ?? (mounts.some((use) => use.isHubCache) ? cache : undefined);
    if (!folder) continue;
    const barred = mounts.find((use) => !mayWrite(folder, use));
    if (chosen || !barred) folders.set(claim, folder.path);
    if (!barred) continue;
    const kept = chosen ? '' : ': the claim is a volume of the project instead';
    diagnostics.push({
      severity: 'notice',
      code: chosen ? 'CLAIM_OWNER' : 'MODEL_CACHE',
      message: `${folder.path} belongs to user ${folder.owner} and ${barred.component} runs as ${barred.user}${kept}`,
      hint: `chown -R ${barred.user} ${folder.path} lets it write there`,
    });
  }
  return { folders, diagnostics };
}
