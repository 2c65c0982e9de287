import type { Kubectl } from '../cluster/kubectl.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { itemsAt, type Node, stringAt } from '../model/node.ts';

/** Secrets and claims that the graph names and the cluster lacks; what the push makes itself is not looked for. */
export async function missingFor(
  kubectl: Kubectl,
  graph: Graph,
  made: { readonly namespace: string | undefined; readonly secrets: ReadonlySet<string> },
): Promise<readonly Diagnostic[]> {
  const [{ namedObjects }, { missingObjects }] = await Promise.all([
    import('../cluster/named-objects.ts'),
    import('../cluster/missing-objects.ts'),
  ]);
  const wanted = namedObjects(graph.spec).filter(({ kind, name }) =>
    kind === 'secret' ? !made.secrets.has(name) : !graph.companions.claims.has(name),
  );
  return missingObjects(kubectl, wanted, made.namespace);
}

/** Secrets never travel by themselves: those that the file has are named. */
export function secretsThatStay({ companions }: Graph, sent: ReadonlySet<string>): readonly Diagnostic[] {
  const names = [...companions.secrets.keys()].filter((name) => !sent.has(name));
  if (names.length === 0) return [];
  const message = `Secrets of the file are not sent: ${names.join(', ')}; those of the cluster are used`;
  return [
    { severity: 'notice', code: 'SECRETS_STAY', message, hint: `--create-secrets ${names.join(',')} sends them` },
  ];
}

/** Folders of the host are those of whichever node a pod lands on. */
export function hostFolders(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written }) =>
    ['podTemplate', 'extraPodSpec'].flatMap((field) => {
      const template = written.fields.get(field);
      const volumes = [...itemsAt(template, 'spec', 'volumes'), ...itemsAt(template, 'volumes')];
      return volumes.flatMap((volume): readonly Diagnostic[] => {
        const path = stringAt(volume, 'hostPath', 'path');
        if (path === undefined) return [];
        return [
          {
            severity: 'warning',
            code: 'HOST_PATH',
            message: `${name}: ${path} is a folder of the node that each pod lands on, not of this machine`,
            ...(volume.origin.kind === 'file' ? { at: volume.origin.at } : {}),
            hint: 'a PersistentVolumeClaim is the same everywhere',
          },
        ];
      });
    }),
  );
}

/** Upstream's examples name images that nobody can pull: `my-tag`, `my-registry/`. */
export function placeholders(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written }) =>
    imagesOf(written)
      .filter((node) => /:my-tag$|^my-registry\//.test(String(node.value)))
      .map(
        (node): Diagnostic => ({
          severity: 'error',
          code: 'IMAGE_PLACEHOLDER',
          message: `${name}: "${node.value}" stands for an image of your own`,
          ...(node.origin.kind === 'file' ? { at: node.origin.at } : {}),
          hint: 'give it with --image [COMPONENT=]REF, or its tag with --tag',
        }),
      ),
  );
}

function imagesOf(node: Node): readonly Extract<Node, { kind: 'scalar' }>[] {
  if (node.kind === 'list') return node.items.flatMap(imagesOf);
  if (node.kind === 'scalar') return [];
  const own = node.fields.get('image');
  const image = own?.kind === 'scalar' && stringAt(node, 'image') !== undefined ? [own] : [];
  return [...image, ...[...node.fields.values()].flatMap(imagesOf)];
}
