import type { Command } from 'commander';
import type { Kubectl } from '../cluster/kubectl.ts';
import type { Io } from './io.ts';

/** Flags of every verb that talks to a cluster, named as kubectl names them. */
export interface ClusterFlags {
  readonly namespace?: string;
  readonly context?: string;
}

export function addClusterFlags(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', 'namespace in the cluster (default: that of the context)')
    .option('--context <context>', 'which cluster of the kubeconfig (default: the current context)');
}

/** The user's kubectl with that context; asks nothing yet. */
export async function connectCluster(flags: ClusterFlags, io: Io): Promise<Kubectl> {
  const { createKubectl } = await import('../cluster/kubectl.ts');
  return createKubectl({ env: io.env, context: flags.context, signal: io.interrupted });
}
