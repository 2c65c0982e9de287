import { isPortFree } from '../host/find-port.ts';
import { freeBytes } from '../host/free-bytes.ts';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Plan } from '../model/plan.ts';
import { formatBytes } from '../model/quantity.ts';
import type { Runtime } from '../model/runtime.ts';
import type { Io } from './io.ts';
import type { LoadedProject } from './load-project.ts';

/** Less than this is certainly too little for an image that holds an engine (facts/peers.md §D1: 12 GB and more). */
const LEAST_FREE_BYTES = 2 * 2 ** 30;

/** What can be known before anything starts: host ports that are taken, a disk that is full. Throws a UserError with exit 3. */
export async function checkMachine(plan: Plan, loaded: LoadedProject, runtime: Runtime, io: Io): Promise<void> {
  await Promise.all([checkPorts(plan, loaded, runtime, io), checkDisk(plan, runtime, io)]);
}

async function checkPorts(plan: Plan, loaded: LoadedProject, runtime: Runtime, io: Io): Promise<void> {
  const own = new Set(
    loaded.observed.containers.flatMap((container) => container.published.map((port) => port.hostPort)),
  );
  const wanted = plan.steps.flatMap(({ operation }) =>
    operation.kind === 'createContainer'
      ? operation.container.publish.map((port) => ({ ...port, container: operation.container.name }))
      : [],
  );
  for (const { hostAddress, hostPort, container } of wanted) {
    if (hostPort === 0 || own.has(hostPort) || (await isPortFree(hostAddress, hostPort))) continue;
    const holders = (await runtime.observeAll(io.interrupted)).filter((container) =>
      container.published.some((port) => port.hostPort === hostPort),
    );
    const holder = holders[0];
    throw new UserError(
      'PORT_TAKEN',
      `port ${hostPort} of ${hostAddress} is taken${holder ? ` by project ${holder.project} (${holder.name})` : ''}`,
      {
        exitCode: EXIT.preflight,
        replica: loaded.desired.replicas.find(({ containers }) => containers.some(({ name }) => name === container))
          ?.id,
        hint: holder
          ? `dynamo down -p ${holder.project}, or choose another port with --port N (0: a free one)`
          : 'choose another port with --port N, or --port 0 for a free one',
      },
    );
  }
}

async function checkDisk(plan: Plan, runtime: Runtime, io: Io): Promise<void> {
  if (!plan.steps.some((step) => step.operation.kind === 'pullImage')) return;
  const { rootDirectory } = await runtime.facts(io.interrupted);
  const free = rootDirectory === undefined ? undefined : await freeBytes(rootDirectory);
  if (free === undefined || free >= LEAST_FREE_BYTES) return;
  throw new UserError('DISK_FULL', `${rootDirectory ?? ''} has ${formatBytes(free)} free: too little to pull images`, {
    exitCode: EXIT.preflight,
    hint: 'docker system df shows what takes the space',
  });
}
