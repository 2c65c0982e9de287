import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { isAtLeast } from '../model/version.ts';

type Facts = Omit<RuntimeFacts, 'version'>;

/** Facts by range: each row holds from its version up to the next row's. Measured on eight versions (facts/versions.md §1, §2, §3, §6; runtime.md §7.3). */
const OLDEST: Facts = {
  needsNats: true,
  natsServices: true,
  needsJetStream: true,
  readsLegacyNamespace: true,
  home: '/root',
  user: 0,
  mockerRoleFlags: 'is-worker',
  mockerNeedsEndpoint: true,
  settleMs: 0,
};
const V0_6: Facts = { ...OLDEST, readsLegacyNamespace: false };
// The first chat within moments of the listing fails and leaves a 0.9 worker that no SIGTERM ends (§6).
const V0_9: Facts = { ...V0_6, mockerNeedsEndpoint: false, settleMs: 3000, natsServices: false };
// Images run as user dynamo (uid 1000) from 1.0 on.
const V1_0: Facts = {
  ...V0_9,
  home: '/home/dynamo',
  user: 1000,
  mockerRoleFlags: 'mode',
  settleMs: 0,
  needsJetStream: false,
};
// Events go over ZMQ by default: NATS is opened only when NATS_SERVER or a plane asks for it.
const V1_4: Facts = { ...V1_0, needsNats: false };

const RANGES: readonly (readonly [from: readonly [number, number], facts: Facts])[] = [
  [[0, 0], OLDEST],
  [[0, 6], V0_6],
  [[0, 9], V0_9],
  [[1, 0], V1_0],
  [[1, 4], V1_4],
];

/** The facts of the newest range that begins at or before the version. */
export function runtimeFacts(version: string): RuntimeFacts {
  const row = RANGES.findLast(([[major, minor]]) => isAtLeast(version, major, minor)) ?? RANGES[0];
  if (!row) throw new Error('no runtime facts');
  return { version, ...row[1] };
}
