import type { Companions } from '../model/graph.ts';
import { fromJson, type MapNode, mapAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration, Origin } from '../model/origin.ts';
import { compareText, mapsAt, nameOf, withAppended } from './edit-node.ts';
import { operatorOrigin } from './generation.ts';

const ANNOTATION = 'nvidia.com/disable-image-pull-secret-discovery';
const TYPE = 'kubernetes.io/dockerconfigjson';

/** 0.4 discovers whatever is written [041 graph.go:760]; the others let a component opt out. */
const HAS_OPT_OUT: Readonly<Record<OperatorGeneration, boolean>> = {
  '0.4': false,
  '0.6': true,
  '1.1': true,
  '1.5': true,
};

/** False when the generation lets the annotations turn the discovery of pull secrets off, and they do. */
export function discoversPullSecrets(generation: OperatorGeneration, annotations: MapNode | undefined): boolean {
  return !HAS_OPT_OUT[generation] || stringAt(annotations, ANNOTATION) !== 'true';
}

/**
 * The registry of an image or of a key of `auths`, as Go's URL parser has it: the text before the first `/`, with its port. Undefined
 * where that parser fails, as it does for `nginx:1.27` [150 internal/common/url.go:25-38].
 */
function hostOf(text: string): string | undefined {
  const [host = ''] = text.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//, '').split(/[/?#]/);
  return /^[^:@\s]+(?::\d*)?$/.test(host) ? host : undefined;
}

/** Registries of a pull secret; none for what is no login. No error: the operator skips those too. */
function registriesOf(secret: MapNode): readonly string[] {
  if (stringAt(secret, 'type') !== TYPE) return [];
  const plain = stringAt(secret, 'stringData', '.dockerconfigjson');
  try {
    const encoded = stringAt(secret, 'data', '.dockerconfigjson') ?? '';
    const parsed: unknown = JSON.parse(plain ?? new TextDecoder().decode(fromBase64(encoded)));
    if (typeof parsed !== 'object' || parsed === null || !('auths' in parsed)) return [];
    const { auths } = parsed;
    return typeof auths === 'object' && auths !== null ? Object.keys(auths).flatMap((key) => hostOf(key) ?? []) : [];
  } catch {
    return [];
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replace(/\s/g, '')), (char) => char.charCodeAt(0));
}

export interface DiscoveryInput {
  readonly generation: OperatorGeneration;
  readonly companions: Companions;
  /** What decides for the component in this generation: facts/operator.md §6.5. */
  readonly annotations: MapNode | undefined;
}

/**
 * The pod with every known pull secret whose registry is exactly that of one of its containers' images, init containers aside, behind
 * the list that the file has [150 internal/secrets/docker.go, 102 graph.go:1316].
 */
export function discoverPullSecrets(pod: MapNode, input: DiscoveryInput): MapNode {
  const { generation, companions, annotations } = input;
  if (!discoversPullSecrets(generation, annotations)) return pod;
  const hosts = new Set(
    mapsAt(pod, 'containers').flatMap((container) => hostOf(stringAt(container, 'image') ?? '') ?? []),
  );
  const written = new Set(mapsAt(pod, 'imagePullSecrets').map(nameOf));
  const found = [...companions.secrets]
    .filter(([name, secret]) => !written.has(name) && registriesOf(secret).some((host) => hosts.has(host)))
    .toSorted(([a], [b]) => compareText(a, b));
  const origin: Origin = operatorOrigin(generation, 'internal/secrets/docker.go');
  return withAppended(
    pod,
    'imagePullSecrets',
    found.map(([name]) => fromJson({ name }, origin)),
    origin,
  );
}

/** The annotation written where 1.5 no longer looks: at a v1alpha1 service. */
export function misplacedOptOut(service: MapNode): Origin | undefined {
  const annotations = mapAt(service, 'annotations');
  return stringAt(annotations, ANNOTATION) === 'true' ? annotations?.fields.get(ANNOTATION)?.origin : undefined;
}
