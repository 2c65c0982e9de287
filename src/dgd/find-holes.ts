import type { Diagnostic } from '../model/diagnostic.ts';
import { itemsAt, type MapNode, type Node, type ScalarNode } from '../model/node.ts';
import { placeOf } from './place.ts';

/** What envsubst or a person should have filled in: `${MODEL}`. Kubernetes expands `$(MODEL)` alone. */
const VARIABLE = /\$\{[A-Za-z_][A-Za-z0-9_]*\}/;
/** `{{ .Values.image }}`; chat templates, which arguments may hold, know none of these words. */
const HELM =
  /\{\{-?\s*(?:\.Values|\.Release|\.Chart|include|template|toYaml|tpl|if|range|end|with|define|default)\b[^}]*\}\}/;
/** `<your-registry>/x`: no image reference holds an angle bracket. */
const BRACKETS = /<[^<>]+>/;
/** `<your-model>`, and not `<image>`, which is a token of some models. */
const PLEASE_FILL = /^<(?:your|my|insert|replace|enter|change|set)\b[^<>]*>$/i;

/** Only a cluster reads them, or nobody runs them. */
const LEFT_ALONE: readonly string[] = [
  'annotations',
  'labels',
  'affinity',
  'nodeSelector',
  'tolerations',
  'topologySpreadConstraints',
  'topologyConstraint',
  'imagePullSecrets',
  'resourceClaims',
  'schedulerName',
  'runtimeClassName',
  'priorityClassName',
  'serviceAccountName',
  'storageClass',
];

export interface TemplateHole {
  readonly code: 'HELM_TEMPLATE' | 'TEMPLATE_HOLE';
  readonly text: string;
  readonly hint: string;
}

/** The first hole of a text that a template engine should have filled. */
export function findTemplateHole(text: string): TemplateHole | undefined {
  const helm = HELM.exec(text)?.[0];
  if (helm !== undefined)
    return { code: 'HELM_TEMPLATE', text: helm, hint: 'render the chart first: helm template DIR | dynamo up -' };
  const hole = VARIABLE.exec(text)?.[0] ?? PLEASE_FILL.exec(text.trim())?.[0];
  if (hole === undefined) return undefined;
  const hint = hole.startsWith('$') ? 'fill it in first: envsubst < FILE | dynamo up -' : 'fill it in first';
  return { code: 'TEMPLATE_HOLE', text: hole, hint };
}

interface Place {
  readonly path: string;
  /** The key that holds the value, or the list that holds it. */
  readonly field: string;
  readonly component: string | undefined;
}

/** Shells expand `${X}` in a script themselves. Where no command is written, the operator's default is `/bin/sh -c` (workers). */
function runsShell(container: MapNode): boolean {
  if (!container.fields.has('command')) return true;
  return itemsAt(container, 'command')
    .slice(0, 2)
    .some((word) => word.kind === 'scalar' && /(?:^|\/)(?:ba|da|a|z|k)?sh$/.test(String(word.value)));
}

function describeHole({ value, origin }: ScalarNode, { path, field, component }: Place): Diagnostic[] {
  const text = String(value);
  const hole = findTemplateHole(text);
  if (field === 'image') {
    const found = hole?.text ?? BRACKETS.exec(text)?.[0];
    if (found === undefined) return [];
    return [
      {
        severity: 'warning',
        code: 'IMAGE_HOLE',
        message: `${component === undefined ? path : component}: the image "${text}" has the hole ${found}`,
        ...placeOf(origin),
        hint: `--image ${component === undefined ? '' : `${component}=`}REF replaces it`,
      },
    ];
  }
  if (!hole) return [];
  // In a longer text it may be meant for a script that reads the variable, or be a template of the model's.
  const isText = field === 'value' ? hole.text !== text.trim() : /^(?:command|args)$/.test(field) && /\s/.test(text);
  const severity = isText && hole.code === 'TEMPLATE_HOLE' ? 'warning' : 'error';
  const message = `${path}: has the template hole ${hole.text}`;
  return [{ severity, code: hole.code, message, ...placeOf(origin), hint: hole.hint }];
}

function findInNode(node: Node, place: Place, names: ReadonlyMap<Node, string>): Diagnostic[] {
  const { path, field } = place;
  const component = names.get(node) ?? place.component;
  if (node.kind === 'scalar') {
    if (typeof node.value !== 'string') return [];
    return describeHole(node, place);
  }
  if (node.kind === 'list')
    return node.items.flatMap((item, index) =>
      findInNode(item, { path: `${path}[${index}]`, field, component }, names),
    );
  const shell = runsShell(node);
  return [...node.fields].flatMap(([key, value]) => {
    if ((key === 'command' || key === 'args') && shell) return [];
    // A hole where a map or a list is due breaks the document itself.
    if (LEFT_ALONE.includes(key) && (value.kind !== 'scalar' || key.endsWith('Name') || key.endsWith('Class')))
      return [];
    return findInNode(value, { path: `${path}.${key}`, field: key, component }, names);
  });
}

/**
 * Template holes of a graph's spec. In an image: warnings (IMAGE_HOLE), since `--image` replaces it. Elsewhere errors (TEMPLATE_HOLE,
 * HELM_TEMPLATE). Left alone are shell scripts, which expand `${X}` at run time, and what only a cluster reads.
 */
export function findHoles(
  spec: MapNode,
  components: readonly { readonly name: string; readonly written: MapNode }[],
): readonly Diagnostic[] {
  const names = new Map<Node, string>(components.map(({ name, written }) => [written, name]));
  return findInNode(spec, { path: 'spec', field: 'spec', component: undefined }, names);
}
