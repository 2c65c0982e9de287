import { existsSync } from 'node:fs';
import type { Kubectl } from '../cluster/kubectl.ts';
import { type Diagnostic, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { itemsAt, mapAt, stringAt, stringsAt } from '../model/node.ts';
import { writtenImages } from '../plan/image-overrides.ts';

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

/** Throws NAMESPACE_MISSING (exit 3) before anything else is asked of it; who may not look finds out at the apply. */
export async function checkNamespace(kubectl: Kubectl, namespace: string | undefined): Promise<void> {
  if (namespace === undefined) return;
  await kubectl.name(['get', `namespace/${namespace}`]).catch((error: unknown) => {
    if (error instanceof UserError && error.code === 'NAMESPACE_MISSING') throw error;
  });
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

/** Every node has these of its own. */
const OF_EVERY_NODE = /^\/(?:dev|sys|proc|run|var\/run|var\/lib\/kubelet|etc)(?:\/|$)/;

/** Folders of this machine that a volume names: a pod gets those of whichever node it lands on. */
export function hostFolders(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written }) =>
    ['podTemplate', 'extraPodSpec'].flatMap((field) => {
      const template = written.fields.get(field);
      const volumes = [...itemsAt(template, 'spec', 'volumes'), ...itemsAt(template, 'volumes')];
      return volumes.flatMap((volume): readonly Diagnostic[] => {
        const path = stringAt(volume, 'hostPath', 'path');
        if (path === undefined || OF_EVERY_NODE.test(path)) return [];
        return [
          {
            severity: 'error',
            code: 'HOST_PATH',
            message: `${name}: ${path} would be a folder of the node that each pod lands on, not of this machine`,
            ...(volume.origin.kind === 'file' ? { at: volume.origin.at } : {}),
            hint: 'a PersistentVolumeClaim is the same everywhere; --keep-host-paths where every node has the folder',
          },
        ];
      });
    }),
  );
}

/** Images have these, too. */
const OF_EVERY_IMAGE = /^\/(?:tmp$|(?:bin|sbin|lib\w*|usr|etc|dev|proc|sys|opt)(?:\/|$))/;

/** What a script's process is given by a path of this machine: no pod has it. */
export function hostArguments(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written, origin }) => {
    const pod = mapAt(written, 'podTemplate', 'spec') ?? mapAt(written, 'extraPodSpec');
    const main =
      itemsAt(pod, 'containers').find((one) => stringAt(one, 'name') === 'main') ?? mapAt(pod, 'mainContainer');
    const mounts = itemsAt(main, 'volumeMounts').flatMap((mount) => stringAt(mount, 'mountPath') ?? []);
    const words = (stringsAt(main, 'args') ?? []).flatMap((word) => word.split('='));
    const isMounted = (path: string) => mounts.some((mount) => path === mount || path.startsWith(`${mount}/`));
    const paths = words.filter(
      (word) => /^\/[^\s;|&]+$/.test(word) && !OF_EVERY_IMAGE.test(word) && !isMounted(word) && existsSync(word),
    );
    return [...new Set(paths)].map(
      (path): Diagnostic => ({
        severity: 'error',
        code: 'HOST_PATH',
        message: `${name}: ${path} is on this machine; its pods do not have it`,
        ...(origin.kind === 'file' ? { at: origin.at } : {}),
        hint: 'name a model of the hub, or mount a claim there in the YAML that dynamo convert writes; --keep-host-paths where the image has it',
      }),
    );
  });
}

/** Upstream's examples name images that nobody can pull: `my-tag`, `my-registry/`. */
export function placeholders(graph: Graph): readonly Diagnostic[] {
  return graph.components.flatMap(({ name, written }) =>
    writtenImages(written)
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
