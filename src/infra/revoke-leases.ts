import { connectEtcd } from './connect-etcd.ts';
import { untilAborted } from './until-aborted.ts';

/** Milliseconds in which etcd must answer. */
const ANSWER_MS = 2000;

/**
 * Takes the leases of processes that are gone, and with each all that stands under it: an instance id is a lease id
 * (facts/versions.md §3). Ids are hex; one that etcd has forgotten is fine.
 */
export async function revokeLeases(
  etcd: { readonly host: string; readonly port: number },
  instances: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const client = await connectEtcd(etcd, ANSWER_MS);
  try {
    const revoked = instances.map((id) => client.leaseClient.leaseRevoke({ ID: BigInt(`0x${id}`).toString() }));
    const results = await untilAborted(Promise.allSettled(revoked), signal);
    const { EtcdLeaseInvalidError } = await import('etcd3');
    for (const result of results) {
      if (result.status === 'rejected' && !(result.reason instanceof EtcdLeaseInvalidError)) throw result.reason;
    }
  } finally {
    client.close();
  }
}
