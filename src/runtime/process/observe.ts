import { join } from 'node:path';
import type { GpuHold } from '../../model/host-inventory.ts';
import { networkName, replicaId } from '../../model/names.ts';
import type { ObservedContainer, ObservedState } from '../../model/observed-state.ts';
import { containerFolder, projectFolder, volumesFolder } from '../../model/process-paths.ts';
import { parseLabels } from '../parse-labels.ts';
import { type ContainerSpec, type ContainerState, isOf, readContainer } from './container-state.ts';
import type { Keepers } from './keepers.ts';
import { isProject, isThere, listFolder, listProjects } from './list-projects.ts';
import { isSameProcess } from './proc.ts';

/** Where projects are, and who keeps them. */
export interface Place {
  readonly root: string;
  readonly keepers: Keepers;
}

/** What there is of a container whose files do not tell: only its name counts, and it can only be removed. */
function tornContainer(project: string, folder: string, name = folder): ObservedContainer {
  return {
    id: name,
    name,
    project,
    graph: '',
    source: '',
    component: folder.startsWith(`${project}-`) ? folder.slice(project.length + 1) : folder,
    type: '',
    replica: 0,
    role: 'main',
    container: 'main',
    hash: '',
    gpus: [],
    probes: {},
    facts: { graceSeconds: 0, reach: 'published', runtimeVersion: '' },
    status: 'dead',
    exitCode: undefined,
    oomKilled: false,
    memoryLimited: false,
    startedAt: undefined,
    finishedAt: undefined,
    imageId: '',
    image: 'its state is torn',
    restartPolicy: 'no',
    restartCount: 0,
    address: undefined,
    published: [],
  };
}

/**
 * A process that lives without its keeper is `dead`: nobody reads what it says, and it can only be removed. One that is gone without its
 * keeper has ended, nobody knows how.
 */
async function statusOf(state: ContainerState, isKept: () => Promise<boolean>): Promise<ObservedContainer['status']> {
  if (state.status === 'created' || state.status === 'exited' || (await isKept())) return state.status;
  const { pid, startTime } = state;
  return pid !== undefined && startTime !== undefined && (await isSameProcess(pid, startTime)) ? 'dead' : 'exited';
}

function wholeContainer(
  name: string,
  { container }: ContainerSpec,
  state: ContainerState,
  status: ObservedContainer['status'],
): ObservedContainer | undefined {
  const labelled = parseLabels(container.labels);
  if (!labelled) return undefined;
  const runs = status === 'running';
  return {
    ...labelled,
    id: name,
    name,
    status,
    exitCode: status === 'exited' || status === 'dead' ? (state.exitCode ?? -1) : undefined,
    oomKilled: state.oomKilled,
    memoryLimited: container.memoryBytes !== undefined,
    startedAt: state.startedAt,
    finishedAt: state.finishedAt,
    imageId: container.image,
    image: container.image,
    restartPolicy: state.restartPolicy,
    restartCount: state.restartCount,
    address: runs && container.network.kind === 'host' ? container.network.address : undefined,
    published: runs ? container.publish : [],
  };
}

async function observeContainer(
  { root, keepers }: Place,
  project: string,
  name: string,
): Promise<ObservedContainer | undefined> {
  const folder = projectFolder(root, project);
  const read = await readContainer(containerFolder(folder, name));
  if (!read) return undefined;
  if (read.kind === 'torn') return tornContainer(project, name);
  const status = await statusOf(read.state, async () => (await keepers.find(folder)) !== undefined);
  const whole = wholeContainer(name, read.spec, read.state, status);
  if (whole && isOf(read.spec, project, name)) return whole;
  const from = whole?.project;
  const isCopy =
    from !== undefined && from !== project && (await isThere(containerFolder(projectFolder(root, from), name)));
  return tornContainer(project, name, isCopy ? qualified(project, name) : name);
}

/** The containers of one project: infrastructure first, then by name. */
async function observeProject(place: Place, project: string): Promise<readonly ObservedContainer[]> {
  const names = await listFolder(join(projectFolder(place.root, project), 'containers'));
  const found = await Promise.all(names.map((name) => observeContainer(place, project, name)));
  const containers = found.flatMap((container) => container ?? []);
  return containers.toSorted((a, b) => Number(b.role === 'infra') - Number(a.role === 'infra'));
}

export async function observeAll(place: Place): Promise<readonly ObservedContainer[]> {
  const projects = await listProjects(place.root);
  return (await Promise.all(projects.map((project) => observeProject(place, project)))).flat();
}

/** GPUs of running containers of every project. */
export async function observeGpuHolds(place: Place): Promise<readonly GpuHold[]> {
  const running = (await observeAll(place)).filter(({ status }) => status === 'running' || status === 'dead');
  return running.flatMap(({ gpus, project, component, replica }) =>
    gpus.map((uuid) => ({ uuid, project, replica: replicaId(component, replica) })),
  );
}

/** How a folder is called that was copied into a project from elsewhere: its own name is that of the container that it was copied from. */
function qualified(project: string, folder: string): string {
  return `${project}/${folder}`;
}

/** Where a container is. */
export interface Found {
  readonly project: string;
  /** Of its folder, and to its keeper. */
  readonly name: string;
}

/**
 * The project of a container. Names are unique over all projects: of copies of one folder, the one that stands where it was made counts;
 * a torn one may be anywhere.
 */
export async function findContainer(place: Place, name: string): Promise<Found | undefined> {
  const [project, folder] = name.split('/');
  if (project !== undefined && folder !== undefined) return { project, name: folder };
  const projects = await listFolder(place.root);
  const folderIn = (one: string) => containerFolder(projectFolder(place.root, one), name);
  const there = await Promise.all(projects.map((one) => isThere(folderIn(one))));
  const having = projects.filter((_, index) => there[index]);
  const at = having.length > 1 ? ((await findMade(having, name, folderIn)) ?? having[0]) : having[0];
  return at === undefined ? undefined : { project: at, name };
}

async function findMade(
  projects: readonly string[],
  name: string,
  folderIn: (project: string) => string,
): Promise<string | undefined> {
  const reads = await Promise.all(projects.map((one) => readContainer(folderIn(one))));
  return projects.find((one, index) => {
    const read = reads[index];
    return read?.kind === 'whole' && isOf(read.spec, one, name);
  });
}

export async function inspect(place: Place, name: string): Promise<ObservedContainer | undefined> {
  const found = await findContainer(place, name);
  return found && observeContainer(place, found.project, found.name);
}

export async function observe(place: Place, project: string, images: readonly string[]): Promise<ObservedState> {
  const folder = projectFolder(place.root, project);
  const [containers, claims, scratch, made, gpuHolds] = await Promise.all([
    observeProject(place, project),
    listFolder(volumesFolder(folder, false)),
    listFolder(volumesFolder(folder, true)),
    isProject(folder),
    observeGpuHolds(place),
  ]);
  return {
    project,
    containers,
    networks: made ? [{ id: project, name: networkName(project) }] : [],
    volumes: [...claims.map((name) => ({ name, scratch: false })), ...scratch.map((name) => ({ name, scratch: true }))],
    // What a container runs is on this machine: there is nothing to pull.
    images: new Map(images.map((image) => [image, { id: image, user: '' }])),
    gpuHolds,
  };
}
