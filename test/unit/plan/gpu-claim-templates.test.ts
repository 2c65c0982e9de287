import { expect, test } from 'vitest';
import { resolveGraph } from '../../../src/operator/resolve-graph.ts';
import { listReplicas } from '../../../src/plan/build-desired-state.ts';
import { listIgnoredFields } from '../../../src/plan/pod-notices.ts';
import { decode } from '../dgd/decode.ts';
import { betaText } from './lay-out.ts';

const POD =
  '{name: w, type: worker, podTemplate: {spec: {resourceClaims: [{name: gpu, resourceClaimTemplateName: two}], containers: [{name: main, image: "x:1.0.0", resources: {claims: [{name: gpu}]}}]}}}';

test.each([
  ['gpu.nvidia.com', 'exactly: {deviceClassName: gpu.nvidia.com, count: 2}', 2],
  ['gpu.nvidia.com of v1beta1, one', 'deviceClassName: gpu.nvidia.com', 1],
  ['another class', 'exactly: {deviceClassName: gpu.intel.com, count: 2}', 0],
])('a claim of %s whose template stands in the file is given as a count is, or said', (_, request, count) => {
  const template = `---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: two}
spec: {spec: {devices: {requests: [{name: r, ${request}}]}}}
`;
  const { graph, diagnostics } = decode(betaText(POD) + template);
  if (!graph) throw new Error('no graph');
  const resolved = resolveGraph(graph, { generation: '1.5' });
  expect(listReplicas(resolved, new Map()).map(({ gpuCount }) => gpuCount)).toEqual([count]);
  const [component] = resolved.components;
  const pod = component?.podTemplate.fields.get('spec');
  const said = listIgnoredFields([{ component: 'w', pod }], resolved.components);
  const codes = [...diagnostics, ...said].map(({ code }) => code);
  expect(codes).toEqual(count > 0 ? [] : ['IGNORED_DOCUMENT', 'IGNORED_FIELD']);
});
