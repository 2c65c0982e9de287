import { expect, test } from 'vitest';
import { mapAt, toJson } from '../../../src/model/node.ts';
import { collapseNodes, noticeCollapsed } from '../../../src/plan/collapse-nodes.ts';
import { podGpuCount } from '../../../src/plan/local-pod.ts';
import { resolveText } from '../operator/resolve-text.ts';

function graph(more: string) {
  return resolveText(
    `apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: g}
spec:
  components:
    - name: decode
      type: worker
      ${more}
      podTemplate:
        spec:
          containers:
            - name: main
              image: x:1.0.0
              command: [python3, -m, dynamo.vllm]
              args: [--model, m, --tensor-parallel-size, "8"]
              resources: {limits: {nvidia.com/gpu: "4", memory: 2Gi}}
`,
    '1.5',
  );
}

test('the nodes of a component are one container with the resources of all, and its own flags', () => {
  const collapsed = collapseNodes(graph('multinode: {nodeCount: 2}'));
  const [component] = collapsed.components;
  if (!component) throw new Error('no component');
  expect(podGpuCount(component)).toBe(8);
  expect(toJson(mapAt(component.podTemplate, 'spec', 'containers', 0) ?? component.podTemplate)).toMatchObject({
    args: ['--model', 'm', '--tensor-parallel-size', '8'],
    resources: { limits: { 'nvidia.com/gpu': '8', memory: String(2 * 2 * 2 ** 30) } },
  });
  expect(noticeCollapsed(collapsed).map(({ severity, code, at }) => [severity, code, at?.line])).toEqual([
    ['notice', 'MULTINODE', 6],
  ]);
});

test('a component of one node stays as it is', () => {
  const written = graph('replicas: 2');
  expect(collapseNodes(written)).toEqual(written);
  expect(noticeCollapsed(written)).toEqual([]);
});
