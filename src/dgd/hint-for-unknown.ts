import { suggestName } from './suggest-name.ts';

/** An object of the schema: where it is, and the fields that it has. */
export interface KnownFields {
  readonly path: string;
  readonly names: readonly string[];
}

/** Fields of `spec` and of a component in one API version, and where the other one has them (facts/operator.md §1.6). */
const MOVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1alpha1: {
    components: 'services, a map by name',
    env: 'envs',
    type: 'componentType',
    podTemplate: 'extraPodSpec',
    sharedMemorySize: 'sharedMemory.size',
    compilationCache: 'volumeMounts[].useAsCompilationCache',
  },
  v1beta1: {
    services: 'components, a list of maps with a name',
    envs: 'env',
    componentType: 'type',
    subComponentType: 'type: prefill or decode',
    extraPodSpec: 'podTemplate.spec',
    extraPodMetadata: 'podTemplate.metadata',
    envFromSecret: 'envFrom of the container "main"',
    sharedMemory: 'sharedMemorySize',
    pvcs: 'podTemplate.spec.volumes',
    gpuMemoryService: 'experimental.gpuMemoryService',
    failover: 'experimental.failover',
    checkpoint: 'experimental.checkpoint',
  },
};

/** Fields of a container that people write one level up, at the component. */
const CONTAINER_FIELDS: readonly string[] = [
  'image',
  'command',
  'args',
  'env',
  'envFrom',
  'workingDir',
  'ports',
  'resources',
  'volumeMounts',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'securityContext',
];
const MAIN_CONTAINER: Readonly<Record<string, string>> = {
  v1alpha1: 'extraPodSpec.mainContainer',
  v1beta1: 'the container "main" of podTemplate.spec.containers',
};

/** The document, `spec` and a component: the depth at which the API versions differ. */
const COMPONENT_DEPTH = 3;

/**
 * What was probably meant by a field that its object (the last of `around`) does not know: a field of the other API version, one of the
 * main container, a misspelling, or a field of an object further out, which bad indentation puts too deep.
 */
export function hintForUnknown(key: string, around: readonly KnownFields[], version: string): string | undefined {
  const here = around.at(-1);
  if (here?.path.startsWith('spec') && around.length <= COMPONENT_DEPTH) {
    const moved = MOVED[version]?.[key];
    if (moved !== undefined) return `${version} has ${moved}`;
    if (around.length === COMPONENT_DEPTH && CONTAINER_FIELDS.includes(key))
      return `it belongs to ${MAIN_CONTAINER[version]}`;
  }
  const meant = suggestName(key, here?.names ?? []);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  const outer = around.slice(0, -1).findLast(({ names }) => names.includes(key));
  if (outer === undefined) return undefined;
  return `it is a field of ${outer.path === '' ? 'the document' : outer.path}: is it indented too far?`;
}
