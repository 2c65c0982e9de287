import { expect, test } from 'vitest';
import { betaText, layOut } from './lay-out.ts';

const POD = `{name: w, type: worker, podTemplate: {spec: {
  hostAliases: [{ip: 10.0.0.1, hostnames: [foo.local]}], shareProcessNamespace: true, nodeName: n,
  securityContext: {supplementalGroups: [4000], fsGroup: 2000, sysctls: [{name: net.core.somaxconn, value: "1"}]},
  containers: [{name: main, image: "x:1.0.0", lifecycle: {preStop: {exec: {command: [ls]}}},
    resources: {limits: {cpu: "1", example.com/fpga: "1"}}, securityContext: {allowPrivilegeEscalation: false}}]}}}`;

test('what containers of this machine do without is said once, by name; groups are given', () => {
  const { desired } = layOut(betaText(POD.replaceAll('\n', ' ')));
  const said = desired.notices.filter(({ code }) => code === 'IGNORED_FIELD').map(({ message }) => message);
  const fields = said.map((message) => message.split(' of ')[0]);
  expect(fields.toSorted()).toEqual([
    'hostAliases',
    'lifecycle',
    'nodeName',
    'resource example.com/fpga',
    'securityContext.allowPrivilegeEscalation',
    'securityContext.sysctls',
    'shareProcessNamespace',
  ]);
  expect(said.find((message) => message.startsWith('nodeName'))).toContain('says where a cluster runs the pod');
  expect(said.find((message) => message.startsWith('lifecycle'))).toContain('is left out');
  expect(desired.replicas[0]?.containers.find(({ role }) => role === 'main')?.groups).toEqual([2000, 4000]);
});
