import { fromJson, itemsAt, list, type MapNode, type Node, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';

/** A folder of this machine that containers find where their images expect it. */
export interface Workspace {
  readonly source: string;
  /** Absolute path in the containers. */
  readonly target: string;
}

const VOLUME = 'script-tree';
const ORIGIN: Origin = {
  kind: 'local',
  deviation: 'workspace',
  reason: 'the script names files of its own tree: the containers that are given them see it, read-only',
};

/** The pod with the workspace mounted, read-only, into the containers that name a path in it; the same pod where none does. */
export function mountWorkspace(podTemplate: MapNode, workspace: Workspace | undefined): MapNode {
  const spec = podTemplate.fields.get('spec');
  if (workspace === undefined || spec?.kind !== 'map') return podTemplate;
  const { source, target } = workspace;
  let mounted = false;
  const mount = (container: Node): Node => {
    if (container.kind !== 'map' || !namesPathIn(container, target)) return container;
    mounted = true;
    const own = fromJson({ name: VOLUME, mountPath: target, readOnly: true }, ORIGIN);
    return withField(container, 'volumeMounts', list([own, ...itemsAt(container, 'volumeMounts')], container.origin));
  };
  let changed = spec;
  for (const kind of ['initContainers', 'containers']) {
    const items = itemsAt(spec, kind);
    if (items.length > 0) changed = withField(changed, kind, list(items.map(mount), spec.origin));
  }
  if (!mounted) return podTemplate;
  const volume = fromJson({ name: VOLUME, hostPath: { path: source } }, ORIGIN);
  changed = withField(changed, 'volumes', list([...itemsAt(changed, 'volumes'), volume], spec.origin));
  return withField(podTemplate, 'spec', changed);
}

function namesPathIn(container: MapNode, target: string): boolean {
  const words = [
    ...['command', 'args'].flatMap((field) => itemsAt(container, field)),
    ...itemsAt(container, 'env').flatMap((entry) => (entry.kind === 'map' ? [...entry.fields.values()] : [])),
  ];
  const workingDir = stringAt(container, 'workingDir');
  return (
    workingDir === target ||
    workingDir?.startsWith(`${target}/`) === true ||
    words.some((word) => word.kind === 'scalar' && String(word.value).includes(`${target}/`))
  );
}
