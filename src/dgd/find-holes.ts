import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, type Node, stringAt } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';

/** A hole that envsubst or a person should have filled: `${IMAGE}`, `<your-registry>`, `{{ .Values.image }}`. */
const HOLE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}|<[a-z][a-z0-9 _-]*>|\{\{.*?\}\}/;

/** Shells expand `${X}` in a script themselves. */
function runsShell(command: readonly Node[]): boolean {
  const first = command[0];
  return first?.kind === 'scalar' && /(?:^|\/)(?:ba|da)?sh$/.test(String(first.value));
}

function place(origin: Origin): Pick<Diagnostic, 'at'> {
  return origin.kind === 'file' ? { at: origin.at } : {};
}

/**
 * Template holes of a graph. In an image they are warnings, since `--image` replaces it; elsewhere errors. Left alone are shell
 * scripts, which expand `${X}` at run time, values of environment variables, and everything that only a cluster reads.
 */
export function findHoles(
  components: readonly { readonly name: string; readonly written: MapNode }[],
): readonly Diagnostic[] {
  return components.flatMap(({ name, written }) => findInNode(written, name, 'component'));
}

function findInNode(node: Node, component: string, field: string): Diagnostic[] {
  if (node.kind === 'map') {
    const command = itemsAt(node, 'command');
    // Components that name no command run their args in /bin/sh -c, the operator's default.
    const shell = runsShell(command) || command.length === 0;
    return [...node.fields].flatMap(([key, value]) => {
      if ((key === 'command' || key === 'args') && shell) return [];
      if (key === 'env' || key === 'envs' || key === 'annotations' || key === 'labels') return [];
      if (key === 'affinity' || key === 'tolerations' || key === 'nodeSelector')
        return findInTemplate(value, component, key);
      return findInNode(value, component, key);
    });
  }
  if (node.kind === 'list') return node.items.flatMap((item) => findInNode(item, component, field));
  const hole = typeof node.value === 'string' ? HOLE.exec(node.value)?.[0] : undefined;
  if (hole === undefined) return [];
  if (field === 'image') {
    return [
      {
        severity: 'warning',
        code: 'IMAGE_HOLE',
        message: `${component}: the image "${String(node.value)}" has a hole ${hole}`,
        ...place(node.origin),
        hint: `--image ${component}=REF replaces it`,
      },
    ];
  }
  return field === 'args' || field === 'command' || field === 'path' || field === 'claimName'
    ? [templateHole(hole, field, node.origin)]
    : [];
}

function findInTemplate(node: Node, component: string, field: string): Diagnostic[] {
  const text = node.kind === 'scalar' ? String(node.value) : '';
  const hole = HOLE.exec(text)?.[0];
  return hole && stringAt(node) !== undefined
    ? [{ ...templateHole(hole, field, node.origin), message: `${component}: ${field} is the template hole ${hole}` }]
    : [];
}

function templateHole(hole: string, field: string, origin: Origin): Diagnostic {
  return {
    severity: 'error',
    code: 'TEMPLATE_HOLE',
    message: `${field} has a template hole ${hole}`,
    ...place(origin),
    hint: 'fill it in first, for example with envsubst < FILE | dynamo up -',
  };
}
