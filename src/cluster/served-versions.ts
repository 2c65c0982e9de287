import { EXIT, UserError } from '../model/diagnostic.ts';
import type { ApiVersion } from '../model/graph.ts';
import { fromJson, itemsAt, stringAt } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { Kubectl } from './kubectl.ts';

const VERSIONS: readonly ApiVersion[] = ['nvidia.com/v1beta1', 'nvidia.com/v1alpha1'];

export interface ServedVersions {
  /** The API versions in which the cluster takes graphs, the newest first; never empty. */
  readonly versions: readonly ApiVersion[];
  /** The newest operator generation that has them: v1beta1 graphs came with 1.5, DynamoGraphDeploymentRequest after 0.6. */
  readonly generation: OperatorGeneration;
}

/**
 * What the cluster's API says of itself; every user may read that, cluster roles or not. Rejects with CRD_MISSING where it knows no
 * graphs, and with what `kubectl` rejects with.
 */
export async function readServedVersions(kubectl: Kubectl): Promise<ServedVersions> {
  const lists = await Promise.all(VERSIONS.map(async (version) => [version, await kinds(kubectl, version)] as const));
  const versions = lists.filter(([, names]) => names.includes('dynamographdeployments')).map(([version]) => version);
  if (versions.length === 0)
    throw new UserError('CRD_MISSING', 'the cluster does not know the kind DynamoGraphDeployment', {
      exitCode: EXIT.preflight,
      hint: 'install the Dynamo operator there',
    });
  if (versions.includes('nvidia.com/v1beta1')) return { versions, generation: '1.5' };
  const requests = lists.some(([, names]) => names.includes('dynamographdeploymentrequests'));
  return { versions, generation: requests ? '1.1' : '0.6' };
}

async function kinds(kubectl: Kubectl, version: ApiVersion): Promise<readonly string[]> {
  const answer = await kubectl.raw(`/apis/${version}`).catch((error: unknown) => {
    if (error instanceof UserError && (error.code === 'CRD_MISSING' || error.code === 'NOT_THERE')) return null;
    throw error;
  });
  const node = fromJson(answer, { kind: 'flag', flag: 'the cluster' });
  return itemsAt(node, 'resources').flatMap((resource) => stringAt(resource, 'name') ?? []);
}
