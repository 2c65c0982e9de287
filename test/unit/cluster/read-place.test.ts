import { expect, test } from 'vitest';
import { createKubectl } from '../../../src/cluster/kubectl.ts';
import { readPlace } from '../../../src/cluster/read-place.ts';
import { fakeKubectl } from '../../support/fake-kubectl.ts';

const view = (context: object) => ({
  asks: /^config view --minify --output=json --context=lab$/,
  stdout: { contexts: [{ name: 'lab', context }] },
});

test.each([
  [view({ cluster: 'c', namespace: 'mine' }), undefined, { cluster: 'c', namespace: 'mine' }],
  [view({ cluster: 'c', namespace: 'mine' }), 'given', { cluster: 'c', namespace: 'given' }],
  [view({ cluster: 'c' }), undefined, { cluster: 'c', namespace: 'default' }],
  [{ asks: /^config /, exitCode: 1 }, undefined, { cluster: undefined, namespace: 'default' }],
])('a place is named by the kubeconfig %#', async (exchange, namespace, place) => {
  await using kubectl = await fakeKubectl([exchange]);
  const client = createKubectl({ env: kubectl.env, context: 'lab', signal: new AbortController().signal });
  expect(await readPlace(client, namespace)).toEqual(place);
});
