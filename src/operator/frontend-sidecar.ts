import { fromJson, itemsAt, type MapNode, type Node, scalar, stringAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { ComponentContext } from './component-common.ts';
import { frontendDefaults } from './component-frontend.ts';
import { mapsAt, nameOf, withAppended, withItems } from './edit-node.ts';
import { GENERATIONS } from './generation.ts';
import { mergeOver } from './merge.ts';
import { mergeEnvs } from './merge-envs.ts';

const NAME = 'sidecar-frontend';

function frontendBase(context: ComponentContext): MapNode {
  return frontendDefaults({ ...context, type: 'frontend', hashed: false, eppConfig: undefined }).container;
}

function withEnv(container: MapNode, env: readonly Node[], origin: Origin): MapNode {
  return withItems(container, 'env', env, origin);
}

/** 1.1: a container made of the frontend's defaults and `frontendSidecar {image, args, envs, envFromSecret}` [102 graph.go:1410]. */
export function generateFrontendSidecar(
  context: ComponentContext,
  written: MapNode,
  infra: readonly Node[],
  origin: Origin,
): MapNode {
  let container = withField(frontendBase(context), 'name', scalar(NAME, origin));
  container = withField(container, 'image', written.fields.get('image'));
  const args = written.fields.get('args');
  if (itemsAt(args).length > 0) container = withField(container, 'args', args);
  const secret = stringAt(written, 'envFromSecret');
  if (secret !== undefined) {
    const source = fromJson({ secretRef: { name: secret } }, written.fields.get('envFromSecret')?.origin ?? origin);
    container = withAppended(container, 'envFrom', [source], origin);
  }
  const env = mergeEnvs(itemsAt(container, 'env'), itemsAt(written, 'envs'));
  return withEnv(container, mergeEnvs(infra, env), origin);
}

/** 1.5: the frontend's defaults under a container of the pod, with the main container's mounts that it lacks [150 graph.go:1976]. */
export function mergeFrontendSidecar(
  context: ComponentContext,
  user: MapNode,
  options: { readonly infra: readonly Node[]; readonly mounts: readonly MapNode[]; readonly origin: Origin },
): MapNode {
  const { infra, mounts, origin } = options;
  const base = frontendBase(context);
  let container = mergeOver(base, user, GENERATIONS[context.generation].mergo);
  const env = mergeEnvs(itemsAt(base, 'env'), itemsAt(user, 'env'));
  container = withEnv(container, mergeEnvs(infra, env), origin);
  const seen = new Set(mapsAt(container, 'volumeMounts').map(nameOf));
  const missing = mounts.filter((mount) => {
    const fresh = !seen.has(nameOf(mount));
    seen.add(nameOf(mount));
    return fresh;
  });
  return withAppended(container, 'volumeMounts', missing, origin);
}
