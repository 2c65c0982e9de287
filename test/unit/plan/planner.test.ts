import { expect, test } from 'vitest';
import { betaText, layOut } from './lay-out.ts';

const PLANNER =
  '{name: Planner, type: planner, podTemplate: {spec: {containers: [{name: main, image: "p:1.0.0", command: [python3, -m, dynamo.planner]}]}}}';
const FRONTEND =
  '{name: Frontend, type: frontend, podTemplate: {spec: {containers: [{name: main, image: "y:1.0.0"}]}}}';

test('a planner is left out with a notice; who asks for it is told what it needs', () => {
  const without = layOut(betaText(FRONTEND, PLANNER));
  expect(without.replicas.map(({ id }) => id)).toEqual(['frontend-0']);
  expect(without.diagnostics).toContainEqual(
    expect.objectContaining({
      severity: 'notice',
      code: 'CLUSTER_ONLY',
      hint: expect.stringContaining('--with-planner'),
    }),
  );
  const asked = layOut(betaText(FRONTEND, PLANNER), '1.5', { withPlanner: true });
  expect(asked.diagnostics).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      code: 'PLANNER_NEEDS_CLUSTER',
      message: expect.stringContaining('Kubernetes API'),
      at: expect.objectContaining({ line: expect.any(Number) }),
    }),
  );
});
