import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareKubePrograms, prepareKwok } from '../../scripts/kube-programs.ts';

export interface KubeAnswer {
  readonly status: number;
  readonly body: string;
}

/** A real API server with its etcd, on loopback; it has no nodes and runs nothing. Gone, with its data, when disposed. */
export interface KubeCluster extends AsyncDisposable {
  /** A file for `kubectl --kubeconfig`. */
  readonly kubeconfig: string;
  /** One request as the cluster's administrator. */
  readonly call: (method: string, path: string, body?: string, contentType?: string) => Promise<KubeAnswer>;
  /** The real kubectl against it. */
  readonly kubectl: (args: readonly string[], stdin?: string) => Promise<KubectlResult>;
  /** Puts a CustomResourceDefinition in place of the one of that name, and waits until the server serves it. */
  readonly define: (name: string, crd: string) => Promise<void>;
  /** A node whose kubelet is simulated: pods on it are running and ready at once. `config` is kwok's: port-forwards, logs. */
  readonly simulateNode: (name: string, config: string) => Promise<void>;
}

export interface KubectlResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const READY_MS = 180_000;
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(address !== null && typeof address === 'object' ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function poll(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + READY_MS;
  while (!(await check().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what} is not ready after ${READY_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

function kubeconfigText(port: number, token: string, folder: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'lab',
    clusters: [
      {
        name: 'lab',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': join(folder, 'apiserver.crt') },
      },
    ],
    users: [{ name: 'lab', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
  });
}

/** Starts the servers, ready in about three seconds once the programs are there. `programs` may take minutes the first time. */
export async function startKubeCluster(): Promise<KubeCluster> {
  const programs = await prepareKubePrograms((text) => process.stderr.write(`${text}\n`));
  const folder = await mkdtemp(join(tmpdir(), 'dynamo-cluster-'));
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
  const [port = 0, etcdPort = 0, peerPort = 0] = await freePorts(3);
  await writeFile(join(folder, 'kubeconfig'), kubeconfigText(port, token, folder));
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const children: ChildProcess[] = [];
  const start = (program: string, args: readonly string[]): void => {
    children.push(spawn(program, args, { cwd: folder, stdio: 'ignore' }));
  };
  const dispose = async (): Promise<void> => {
    for (const child of children.toReversed()) await stop(child);
    await rm(folder, { recursive: true, force: true });
  };
  const call: KubeCluster['call'] = async (method, path, body, contentType = 'application/yaml') => {
    const ca = await readFile(join(folder, 'apiserver.crt'));
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': contentType, accept: 'application/json' };
      const sent = request({ host: '127.0.0.1', port, path, method, headers, ca }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      sent.once('error', reject);
      sent.end(body);
    });
  };
  try {
    start(programs.etcd, [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--unsafe-no-fsync',
    ]);
    start(programs.apiServer, [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${folder}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${join(folder, 'sa.key')}`,
      `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
      `--token-auth-file=${join(folder, 'tokens.csv')}`,
      '--authorization-mode=AlwaysAllow',
      '--service-cluster-ip-range=10.0.0.0/24',
      // Namespaces that a file names need not be there, and nobody makes service accounts.
      '--disable-admission-plugins=ServiceAccount,NamespaceLifecycle',
    ]);
    await poll('the API server', async () => (await call('GET', '/readyz')).status === 200);
  } catch (error) {
    await dispose();
    throw error;
  }
  const kubeconfig = join(folder, 'kubeconfig');
  return {
    kubeconfig,
    call,
    kubectl: (args, stdin) => runKubectl(programs.kubectl, ['--kubeconfig', kubeconfig, ...args], stdin),
    simulateNode: async (name, config) => {
      const kwok = await prepareKwok((text) => process.stderr.write(`${text}\n`));
      const [kubelet = 0] = await freePorts(1);
      await writeFile(join(folder, 'kwok.yaml'), config);
      start(kwok, [
        `--kubeconfig=${kubeconfig}`,
        `--config=${join(folder, 'kwok.yaml')}`,
        '--manage-all-nodes=true',
        '--node-ip=127.0.0.1',
        `--node-port=${kubelet}`,
        `--server-address=127.0.0.1:${kubelet}`,
        `--tls-cert-file=${join(folder, 'apiserver.crt')}`,
        `--tls-private-key-file=${join(folder, 'apiserver.key')}`,
      ]);
      const metadata = {
        name,
        annotations: { 'kwok.x-k8s.io/node': 'fake' },
        labels: { 'nvidia.com/gpu.product': 'H100' },
      };
      const room = { cpu: '64', memory: '512Gi', pods: '110', 'nvidia.com/gpu': '8' };
      const node = { apiVersion: 'v1', kind: 'Node', metadata, status: { allocatable: room, capacity: room } };
      await call('POST', '/api/v1/nodes', JSON.stringify(node), 'application/json');
      await poll(`node ${name}`, async () =>
        /"type":"Ready","status":"True"/.test((await call('GET', `/api/v1/nodes/${name}`)).body),
      );
    },
    define: async (name, crd) => {
      await call('DELETE', `${CRDS}/${name}`);
      await poll(`the removal of ${name}`, async () => (await call('GET', `${CRDS}/${name}`)).status === 404);
      const made = await call('POST', CRDS, crd);
      if (made.status !== 201) throw new Error(`${name}: HTTP ${made.status}: ${made.body}`);
      await poll(name, async () => isServed(call, name));
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Established is a promise: the server may still answer 404, or by the schema of before, for a moment. */
async function isServed(call: KubeCluster['call'], name: string): Promise<boolean> {
  const { status, body } = await call('GET', `${CRDS}/${name}`);
  if (status !== 200 || !/"type":"Established","status":"True"|"status":"True"[^}]*"type":"Established"/.test(body))
    return false;
  const crd: { spec: { group: string; names: { plural: string }; versions: { name: string; served: boolean }[] } } =
    JSON.parse(body);
  const answers = await Promise.all(
    crd.spec.versions
      .filter(({ served }) => served)
      .map((version) => call('GET', `/apis/${crd.spec.group}/${version.name}/${crd.spec.names.plural}`)),
  );
  return answers.every((answer) => answer.status === 200);
}

async function runKubectl(program: string, args: readonly string[], stdin: string | undefined): Promise<KubectlResult> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.end(stdin ?? '');
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, stdout, stderr };
}
