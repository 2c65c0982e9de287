import { expect, test } from 'vitest';
import { hideSecrets, secretValues } from '../../../src/engine/hide-secrets.ts';
import { UserError } from '../../../src/model/diagnostic.ts';
import { desiredContainer, desiredReplica, desiredState } from '../plan/builders.ts';

const ORIGIN = { kind: 'flag', flag: '' } as const;

test('what an engine repeats of a Secret is taken out of its errors; all else stays', () => {
  const env = [
    { name: 'A', value: '/tmp/canary', secret: true, origin: ORIGIN },
    { name: 'B', value: 'open', secret: false, origin: ORIGIN },
    { name: 'C', value: '1', secret: true, origin: ORIGIN },
  ];
  const secrets = secretValues(desiredState([desiredReplica('w-0', [desiredContainer('p-w-0', { env })])]));
  expect(secrets).toEqual(['/tmp/canary']);
  const said = new UserError('START_FAILED', 'exec: "/tmp/canary/nope": open 1', {
    exitCode: 4,
    hint: 'look',
    details: 'stat /tmp/canary/nope',
    cause: new Error('/tmp/canary'),
  });
  const hidden = hideSecrets(said, secrets);
  expect(hidden).toMatchObject({
    code: 'START_FAILED',
    exitCode: 4,
    message: 'exec: "***/nope": open 1',
    hint: 'look',
    details: 'stat ***/nope',
  });
  expect(hidden).not.toHaveProperty('cause');
  const other = new UserError('X', 'open');
  expect(hideSecrets(other, secrets)).toBe(other);
});
