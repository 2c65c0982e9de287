import { expect, test } from 'vitest';
import { fromJson, type Json, type MapNode, toJson } from '../../../src/model/node.ts';
import { mountWorkspace } from '../../../src/plan/mount-workspace.ts';

const WORKSPACE = { source: '/home/me/repo', target: '/workspace' };

function pod(...containers: readonly Json[]): MapNode {
  const node = fromJson({ spec: { containers } }, { kind: 'flag', flag: 'test' });
  if (node.kind !== 'map') throw new Error('no map');
  return node;
}

test('containers that name a path of the workspace see the tree, read-only, and others do not', () => {
  const mounted = mountWorkspace(
    pod(
      { name: 'main', args: ['--config=/workspace/a.yaml'], volumeMounts: [{ name: 'x', mountPath: '/x' }] },
      { name: 'beside', args: ['--config=/workspaces/a.yaml'] },
      { name: 'inside', workingDir: '/workspace/b' },
      { name: 'variable', env: [{ name: 'A', value: '/workspace/c' }] },
    ),
    WORKSPACE,
  );
  const tree = { name: 'script-tree', mountPath: '/workspace', readOnly: true };
  expect(toJson(mounted)).toMatchObject({
    spec: {
      volumes: [{ name: 'script-tree', hostPath: { path: '/home/me/repo' } }],
      containers: [
        { volumeMounts: [tree, { name: 'x', mountPath: '/x' }] },
        { name: 'beside' },
        { volumeMounts: [tree] },
        { volumeMounts: [tree] },
      ],
    },
  });
  expect(JSON.stringify(toJson(mounted)).match(/mountPath":"\/workspace"/g)).toHaveLength(3);
});

test('a pod that names none of its paths stays as it is', () => {
  const plain = pod({ name: 'main', args: ['--model', 'x'] });
  expect(mountWorkspace(plain, WORKSPACE)).toBe(plain);
  expect(mountWorkspace(plain, undefined)).toBe(plain);
});
