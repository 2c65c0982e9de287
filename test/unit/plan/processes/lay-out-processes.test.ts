import { expect, test } from 'vitest';
import type { DesiredContainer } from '../../../../src/model/desired-state.ts';
import { assignPorts, listPortRequests } from '../../../../src/plan/processes/assign-ports.ts';
import { layOutProcesses } from '../../../../src/plan/processes/lay-out-processes.ts';
import type { ProcessMachine } from '../../../../src/plan/processes/process-machine.ts';
import { betaText, envIn, layOut } from '../lay-out.ts';

const MACHINE: ProcessMachine = {
  python: '/venv/bin/python',
  dynamoVersion: '1.4.2',
  folder: '/state/p',
  workingDirectory: '/home/me',
  infra: { kind: 'own', etcd: '/usr/bin/etcd', nats: undefined },
  bind: '127.0.0.1',
  userId: 1000,
  limitsMemory: true,
  isHere: (path) => path === '/home/me' || path === '/opt',
  imageContents: () => undefined,
};

const FRONTEND =
  '{name: Frontend, type: frontend, podTemplate: {spec: {containers: [{name: main, image: "i:1", command: [python3, -m, dynamo.frontend]}]}}}';

function worker(fields: string, pod = ''): string {
  return `{name: decode, type: decode, replicas: 2, podTemplate: {spec: {containers: [{name: main, image: "i:1", command: [python3, -m, dynamo.vllm], ${fields}}]${pod}}}}`;
}

async function layOutHere(
  text: string,
  machine: Partial<ProcessMachine> = {},
  gpus: ReadonlyMap<string, string[]> = new Map(),
) {
  const built = layOut(text, '1.5', {
    port: 0,
    gpus,
    engine: { cpus: 8, memoryBytes: 2 ** 35, reach: 'published', raisesLimits: false, filtersGpus: true },
  });
  const ports = await assignPorts({
    project: 'p',
    requests: listPortRequests(built.desired),
    observed: [],
    isFree: async () => true,
  });
  const laid = layOutProcesses({ desired: built.desired, machine: { ...MACHINE, ...machine }, ports });
  return { ...built, ...laid, ports };
}

function main(laid: Awaited<ReturnType<typeof layOutHere>>, id: string): DesiredContainer {
  const found = laid.desired.replicas
    .find((replica) => replica.id === id)
    ?.containers.find(({ role }) => role === 'main');
  if (!found) throw new Error(`there is no ${id}`);
  return found;
}

test('replicas share no port: variables, flags and what is published agree, and are told', async () => {
  const laid = await layOutHere(
    betaText(FRONTEND, worker(`args: [--kv-events-config, '{"endpoint":"tcp://*:20080"}']`)),
  );
  const all = laid.desired.replicas.flatMap(({ containers }) => containers.flatMap(({ publish }) => publish));
  expect(new Set(all.map(({ hostPort }) => hostPort)).size).toBe(all.length);
  for (const id of ['decode-0', 'decode-1']) {
    const container = main(laid, id);
    const mine = laid.ports.get(id);
    expect(envIn(container).DYN_SYSTEM_PORT).toBe(String(mine?.get(9090)));
    expect(container.args?.join(' ')).toContain(`tcp://*:${mine?.get(20080)}"`);
    expect(container.publish).toContainEqual({
      containerPort: 9090,
      hostAddress: '127.0.0.1',
      hostPort: mine?.get(9090),
    });
    expect(laid.desired.notices.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(new RegExp(`^${id}: port .*9090 is ${mine?.get(9090)}`)),
    );
  }
  expect(envIn(main(laid, 'frontend-0')).DYN_HTTP_PORT).toBe(String(laid.ports.get('frontend-0')?.get(8000)));
  expect(laid.deviations.map(({ deviation }) => deviation)).toEqual(
    expect.arrayContaining(['process-ports', 'loopback']),
  );
});

test('the interpreter runs it, nothing of an image is named, and probes ask the pod’s own ports', async () => {
  const laid = await layOutHere(betaText(FRONTEND, worker('')));
  const container = main(laid, 'decode-0');
  expect(container.entrypoint).toEqual(['/venv/bin/python', '-m', 'dynamo.vllm']);
  expect([container.image, container.pullPolicy]).toEqual(['/venv/bin/python (ai-dynamo 1.4.2)', 'Never']);
  expect(container.probes.startup?.handler).toMatchObject({ port: 9090 });
});

test('without a server the settings of file discovery replace those of etcd and NATS', async () => {
  const env = '[{name: NATS_SERVER, value: "nats://nats:4222"}]';
  const laid = await layOutHere(betaText(FRONTEND, worker(`env: ${env}`)), { infra: { kind: 'files' } });
  const variables = envIn(main(laid, 'decode-0'));
  expect(variables).toMatchObject({
    DYN_DISCOVERY_BACKEND: 'file',
    DYN_FILE_KV: '/state/p/scratch/discovery',
    DYN_REQUEST_PLANE: 'tcp',
    DYN_EVENT_PLANE: 'zmq',
  });
  expect(Object.keys(variables)).not.toContain('ETCD_ENDPOINTS');
  expect(Object.keys(variables)).not.toContain('NATS_SERVER');
  expect(laid.desired.infra).toEqual([]);
  expect(laid.desired.servers.registry).toBe('/state/p/scratch/discovery');
});

test('CUDA is told the GPUs of each replica; numbers of the file count among them', async () => {
  const gpus = new Map([
    ['decode-0', ['GPU-a', 'GPU-b']],
    ['decode-1', ['GPU-c', 'GPU-d']],
  ]);
  const limits = 'resources: {limits: {nvidia.com/gpu: 2}}';
  const all = await layOutHere(betaText(FRONTEND, worker(limits)), {}, gpus);
  expect(envIn(main(all, 'decode-1')).CUDA_VISIBLE_DEVICES).toBe('GPU-c,GPU-d');
  // A container without a GPU sees none.
  expect(envIn(main(all, 'frontend-0')).CUDA_VISIBLE_DEVICES).toBe('');
  const one = await layOutHere(
    betaText(FRONTEND, worker(`${limits}, env: [{name: CUDA_VISIBLE_DEVICES, value: "1"}]`)),
    {},
    gpus,
  );
  expect(envIn(main(one, 'decode-0')).CUDA_VISIBLE_DEVICES).toBe('GPU-b');
});

test('files and volumes stand below the project, and arguments name them there', async () => {
  const pod = ', volumes: [{name: v, emptyDir: {}}, {name: m, persistentVolumeClaim: {claimName: models}}]';
  const mounts = 'volumeMounts: [{name: v, mountPath: /opt/work}, {name: m, mountPath: /models}]';
  const laid = await layOutHere(
    betaText(FRONTEND, worker(`${mounts}, args: [--model, /models/x, --tmp=/opt/work/y]`, pod)),
  );
  expect(main(laid, 'decode-0').args).toEqual([
    '--model',
    '/state/p/volumes/p_models/x',
    '--tmp=/state/p/scratch/p_decode-0-v/y',
  ]);
  expect(laid.desired.notices).toContainEqual(
    expect.objectContaining({ code: 'PROCESS_CLAIM', hint: '--volume models=PATH names another' }),
  );
});

test('what only an image or a container could give is refused or said by name', async () => {
  const sidecar = await layOutHere(
    betaText(FRONTEND, worker('').replace('}]', '}, {name: proxy, image: "other:1", command: [proxy]}]')),
  );
  expect(sidecar.diagnostics).toContainEqual(
    expect.objectContaining({
      severity: 'error',
      code: 'PROCESS_SIDECAR',
      message: expect.stringContaining('proxy runs another image, other:1'),
    }),
  );
  const context =
    'securityContext: {privileged: true, runAsUser: 0, capabilities: {add: [SYS_PTRACE]}}, resources: {limits: {cpu: "2"}}';
  const left = await layOutHere(betaText(FRONTEND, worker(context)));
  expect(left.desired.notices.map(({ message }) => message)).toContain(
    'decode: a process has no runAsUser 0, no privileged, no capabilities, no CPU limit',
  );
  const memory = await layOutHere(betaText(FRONTEND, worker('resources: {limits: {memory: 4Gi}}')), {
    limitsMemory: false,
  });
  expect(main(memory, 'decode-0').memoryBytes).toBeUndefined();
  expect(memory.desired.notices.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('no memory limit'),
  );
  const where = await layOutHere(betaText(FRONTEND, worker('workingDir: /workspace/components')));
  expect(main(where, 'decode-0').workingDir).toBe('/home/me');
  expect(where.desired.notices.map(({ code }) => code)).toContain('PROCESS_DIRECTORY');
});
