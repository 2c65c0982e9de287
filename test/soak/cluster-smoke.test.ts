import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { prepareKubePrograms } from '../../scripts/kube-programs.ts';
import { type KubeCluster, startKubeCluster } from '../support/kube-cluster.ts';
import { type CliResult, runCli } from '../support/run-cli.ts';
import { cli } from '../support/spawn-cli.ts';
import { docker, example, frontendUrl, testProject } from '../support/test-project.ts';

const CRD = new URL('../../../shared/corpus/crd/dynamographdeployments-v1.5.0-dev.yaml', import.meta.url);
const GRAPH = 'mocker-disagg-router';
const NODE = 'node-0';

type Pod = { metadata: { name: string; labels: Record<string, string> }; spec: Record<string, unknown> };

/** The pods that the operator's Deployments would make of a graph, on the simulated node. */
async function podsOf(file: string): Promise<readonly Pod[]> {
  const { stdout } = await runCli(['render', file, '--cluster']);
  // The operator's hash over all workers.
  return parseAllDocuments(stdout.replaceAll('HASH', 'a1b2c3d4')).flatMap((document) => {
    const { kind, metadata, spec } = document.toJS();
    if (kind !== 'Deployment') return [];
    return Array.from({ length: spec.replicas }, (_, index): Pod => {
      const { template } = spec;
      return {
        metadata: { name: `${metadata.name}-${index}`, labels: template.metadata.labels },
        spec: { ...template.spec, nodeName: NODE },
      };
    });
  });
}

/** kwok's port-forwards: port 8000 of every pod is the frontend, and 9090 of a worker its system server. */
function kwokConfig(frontend: string, workers: ReadonlyMap<string, string>): string {
  const target = (url: string) => ({ address: new URL(url).hostname, port: Number(new URL(url).port) });
  const apiVersion = 'kwok.x-k8s.io/v1alpha1';
  const documents = [
    ...[...workers].map(([name, url]) => ({
      apiVersion,
      kind: 'PortForward',
      metadata: { name, namespace: 'serving' },
      spec: { forwards: [{ ports: [9090], target: target(url) }] },
    })),
    {
      apiVersion,
      kind: 'ClusterPortForward',
      metadata: { name: 'frontend' },
      spec: { forwards: [{ ports: [8000], target: target(frontend) }] },
    },
  ];
  return documents.map((document) => JSON.stringify(document)).join('\n---\n');
}

describe.skipIf(!existsSync(CRD))('a graph handed over to a cluster with a simulated node', () => {
  let cluster: KubeCluster;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    cluster = await startKubeCluster();
    const { kubectl } = await prepareKubePrograms(() => undefined);
    env = { KUBECONFIG: cluster.kubeconfig, PATH: `${dirname(kubectl)}:${process.env.PATH}` };
    const crd = parse(readFileSync(CRD, 'utf8'));
    const served = { ...crd, spec: { ...crd.spec, conversion: { strategy: 'None' } } };
    await cluster.define('dynamographdeployments.nvidia.com', JSON.stringify(served));
    await cluster.kubectl(['create', 'namespace', 'serving']);
  }, 1_800_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const dynamo = (args: readonly string[], interrupted?: AbortSignal): Promise<CliResult> =>
    runCli([...args, '-n', 'serving', '--context', 'lab'], { env, ...(interrupted ? { interrupted } : {}) });
  const setStatus = (state: string) => {
    const patch = ['patch', 'dynamographdeployment', GRAPH, '--subresource=status', '--type=merge'];
    const status = { state, observedGeneration: 1, conditions: [] };
    return cluster.kubectl(['-n', 'serving', ...patch, '-p', JSON.stringify({ status })]);
  };

  /** What the operator does with a graph that is new: pods on the node, and its status. */
  async function operate(file: string): Promise<void> {
    const isThere = async () =>
      (await cluster.kubectl(['-n', 'serving', 'get', 'dynamographdeployment', GRAPH])).exitCode === 0;
    await expect.poll(isThere, { timeout: 30_000 }).toBe(true);
    await setStatus('pending');
    for (const pod of await podsOf(file)) {
      const document = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod });
      expect(await cluster.kubectl(['-n', 'serving', 'create', '-f', '-'], document)).toMatchObject({
        exitCode: 0,
        stderr: '',
      });
    }
    const wait = ['wait', '--for=condition=Ready', 'pod', '--all', '--timeout=60s'];
    expect(await cluster.kubectl(['-n', 'serving', ...wait])).toMatchObject({ exitCode: 0 });
    await setStatus('successful');
  }

  test('comes up pod by pod and answers the suite through the real port-forward, from YAML and from a script', async () => {
    await using project = await testProject('handed');
    const local = [
      'up',
      '-d',
      example('mocker/disagg_router.yaml'),
      '-p',
      project.name,
      '--port',
      '0',
      '--progress',
      'plain',
    ];
    expect((await cli(local)).exitCode).toBe(0);
    const address = async (replica: string) => {
      const { NetworkSettings } = await docker.getContainer(`${project.name}-${replica}`).inspect();
      return `http://${Object.values(NetworkSettings.Networks)[0]?.IPAddress}:9090`;
    };
    const pods = await podsOf(example('mocker/disagg_router.yaml'));
    const workers = new Map<string, string>();
    for (const { metadata } of pods) {
      const role = ['prefill', 'decode'].find((name) => metadata.name.startsWith(`${GRAPH}-${name}`));
      if (role !== undefined) workers.set(metadata.name, await address(`${role}-${metadata.name.at(-1)}`));
    }
    expect(workers.size).toBe(3);
    await cluster.simulateNode(NODE, kwokConfig(await frontendUrl(project.name), workers));

    const push = [
      'push',
      example('mocker/disagg_router.yaml'),
      '--smoke',
      '--progress',
      'plain',
      '--wait-timeout',
      '90s',
    ];
    const [pushed] = await Promise.all([dynamo(push), operate(example('mocker/disagg_router.yaml'))]);
    expect(pushed.stderr).toMatch(/mocker-disagg-router-decode\S* {2}ready/);
    expect(pushed.stderr).toMatch(/smoke workers {2}pass: mocker-disagg-router-decode\S* \+\d+/);
    expect(pushed.stderr).toMatch(/smoke prefill {2}pass: mocker-disagg-router-prefill\S* \+\d+/);
    // The router mode is known; one prefill worker leaves the router no choice.
    expect(pushed.stderr).toContain('smoke kv-warm  skip: there is only one worker');
    expect([pushed.exitCode, pushed.stderr]).toEqual([0, expect.stringMatching(/mocker-disagg-router: ready after/)]);

    const junit = await dynamo(['smoke', '-g', GRAPH, '--format', 'junit']);
    expect([junit.exitCode, junit.stdout]).toEqual([
      0,
      expect.stringContaining('name="lab/serving/mocker-disagg-router"'),
    ]);

    const text = await dynamo(['smoke', '-g', GRAPH, '--only', 'health']);
    expect(text.stdout).toMatch(/^cluster lab, namespace serving, graph mocker-disagg-router\n/);

    // The script is the same graph under its own name's rules: nothing to change but the field manager's word.
    const script = await dynamo(['diff', example('mocker/disagg_router.sh'), '--image', 'dynamo-cpu:1.4.2']);
    expect([script.exitCode, script.stdout]).toEqual([0, '']);
    const again = await dynamo([
      'push',
      example('mocker/disagg_router.sh'),
      '--image',
      'dynamo-cpu:1.4.2',
      '--wait-timeout',
      '30s',
    ]);
    expect(again.stderr).toContain('mocker-disagg-router: ready');
    expect(again.exitCode).toBe(0);

    // Ctrl-C leaves the cluster as it is and says how to undo it.
    await setStatus('pending');
    const interrupt = new AbortController();
    const waiting = dynamo(['push', example('mocker/disagg_router.yaml'), '--progress', 'plain'], interrupt.signal);
    setTimeout(() => interrupt.abort(), 3000);
    expect((await waiting).stderr).toContain(
      'to undo: kubectl delete dynamographdeployment mocker-disagg-router -n serving',
    );
    const left = await cluster.kubectl(['-n', 'serving', 'get', 'dynamographdeployment', GRAPH, '-o', 'name']);
    expect(left.stdout).toContain(GRAPH);
    // Nothing of ours runs on.
    const own = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).split(' ').filter(Boolean);
    const commands = await Promise.all(own.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    expect(commands.filter((command) => command.includes('port-forward'))).toEqual([]);
  }, 600_000);
});
