import type { DesiredContainer, DesiredReplica, DesiredState } from '../../model/desired-state.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import type { Probe, Probes } from '../../model/probe.ts';
import { containerFolder, filesFolder, volumesFolder } from '../../model/process-paths.ts';
import type { AppliedDeviation } from '../deviations.ts';
import { hashContainer } from '../hash-spec.ts';
import { POD_ADDRESS } from '../pod-identity.ts';
import { loopbackAddress } from './assign-ports.ts';
import { mapLocalPorts, rewritePorts } from './port-settings.ts';
import { applyEnv, type EnvChange, fileDiscovery, loopbackPlaces, registryFolder, visibleGpus } from './process-env.ts';
import type { PortMap, ProcessMachine } from './process-machine.ts';
import { type Places, replaceHosts, replacePaths, replacePathsInWords } from './rewrite-places.ts';

export interface ContainerContext {
  readonly replica: DesiredReplica;
  readonly ports: PortMap;
  readonly places: Places;
  /** Volumes that are emptyDirs. */
  readonly scratch: ReadonlySet<string>;
  readonly desired: DesiredState;
  readonly machine: ProcessMachine;
}

export interface LaidOutContainer {
  readonly container: DesiredContainer;
  readonly deviations: readonly AppliedDeviation[];
  readonly diagnostics: readonly Diagnostic[];
}

/** One container as a process, and what that changed. */
export function layOutContainer(written: DesiredContainer, context: ContainerContext): LaidOutContainer {
  const { replica, ports, places, desired, machine } = context;
  const address = loopbackAddress(desired.project, replica.id);
  const files = filesFolder(containerFolder(machine.folder, written.name));
  const contents = machine.imageContents(written.image);
  const paths = pathsOf(written, files, context);
  const joins = written.env.some(({ name }) => name.startsWith('DYN_'));
  const withPorts = rewritePorts(written, ports);
  const fill = (text: string) => replaceHosts(text.replaceAll(POD_ADDRESS, address), places);
  const filled = withPorts.env.map((entry) => ({ ...entry, value: replacePaths(fill(entry.value), paths) }));
  const changes = applyEnv(filled, [
    ...(contents === undefined ? [] : [contentsEnv(contents.env, files)]),
    ...(joins ? [loopbackPlaces(replica, address, machine)] : []),
    ...(joins && machine.infra.kind === 'files' ? [fileDiscovery(machine.folder)] : []),
    ...(replica.frontendPort === undefined || written.role !== 'main' ? [] : [frontendPort(replica, withPorts, ports)]),
    visibleGpus(filled, written.gpus),
  ]);
  const words = (list: readonly string[] | undefined) => list && replacePathsInWords(list.map(fill), paths);
  const [program, ...rest] = words(withPorts.entrypoint) ?? [];
  const isPython = program === 'python3' || program === 'python';
  const directory = workingDirectory(written.workingDir, contents?.workingDir, files, paths, machine);
  const {
    labels,
    hash: _,
    ...spec
  } = {
    ...written,
    image: `${machine.python} (ai-dynamo ${machine.dynamoVersion})`,
    pullPolicy: 'Never' as const,
    memoryBytes: machine.limitsMemory ? written.memoryBytes : undefined,
    entrypoint: program === undefined ? undefined : [isPython ? machine.python : program, ...rest],
    args: words(withPorts.args),
    env: changes.env,
    workingDir: directory,
    files: [...written.files, ...(contents?.files ?? [])].map((file) => ({ ...file, path: `${files}${file.path}` })),
    network: { kind: 'host', address } as const,
    publish: written.role === 'main' ? publishedPorts(ports, replica, machine) : [],
    probes: rewriteProbes(written.probes, (text) => replacePaths(fill(text), paths), ports),
  };
  const hash = hashContainer(spec);
  return {
    container: {
      ...spec,
      labels: {
        ...labels,
        ...factsLabel(written, machine),
        [LABEL.probes]: JSON.stringify(spec.probes),
        [LABEL.hash]: hash,
      },
      hash,
    },
    ...describeChanges(written, { ...spec, env: changes.env }, changes.applied, context),
  };
}

/** Verbs without a source file read where it registers. */
function factsLabel({ labels }: DesiredContainer, { infra, folder }: ProcessMachine): Readonly<Record<string, string>> {
  if (infra.kind !== 'files') return {};
  const facts: unknown = JSON.parse(labels[LABEL.facts] ?? '{}');
  const known = typeof facts === 'object' && facts !== null ? facts : {};
  return { [LABEL.facts]: JSON.stringify({ ...known, registry: registryFolder(folder) }) };
}

/** The image's variables, their paths below the container's own files; the file's win. */
function contentsEnv(env: Readonly<Record<string, string>>, files: string): EnvChange {
  return {
    deviation: 'image-contents',
    reason: 'the image brings a model, which stands in a directory of the project here',
    yields: true,
    env: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, value.startsWith('/') ? `${files}${value}` : value]),
    ),
  };
}

/** A frontend that nobody tells its port takes 8000, as all of them do. */
function frontendPort(
  { frontendPort: port = 0 }: DesiredReplica,
  container: Pick<DesiredContainer, 'entrypoint' | 'args' | 'env'>,
  ports: PortMap,
): EnvChange {
  const words = [...(container.entrypoint ?? []), ...(container.args ?? [])].join(' ');
  return {
    deviation: 'process-ports',
    reason: 'replicas share the ports of this machine',
    yields: true,
    env: /--http-port/.test(words) ? {} : { DYN_HTTP_PORT: String(ports.get(port) ?? port) },
  };
}

/** What each mount, and each directory above one that is not on this machine, is here. */
function pathsOf(
  { mounts }: DesiredContainer,
  files: string,
  { scratch, machine }: ContainerContext,
): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const mount of mounts) {
    const path = mount.path.replace(/\/+$/, '');
    const above = path.split('/').map((_, depth, parts) => parts.slice(0, depth + 1).join('/'));
    for (const parent of above.slice(2)) if (!machine.isHere(parent)) paths.set(parent, `${files}${parent}`);
    paths.set(path, mountSource(mount, `${files}${path}`, scratch, machine));
  }
  for (const [path, source] of paths) if (path === source) paths.delete(path);
  return paths;
}

function mountSource(
  mount: DesiredContainer['mounts'][number],
  own: string,
  scratch: ReadonlySet<string>,
  { folder }: ProcessMachine,
): string {
  if (mount.kind === 'own') return own;
  if (mount.kind === 'bind') return mount.source;
  const root = `${volumesFolder(folder, scratch.has(mount.volume))}/${mount.volume}`;
  return mount.subPath ? `${root}/${mount.subPath}` : root;
}

/** The directory that the file names, or the image, where it is here; else the one in which `dynamo` was called. */
function workingDirectory(
  written: string | undefined,
  contents: string | undefined,
  files: string,
  paths: ReadonlyMap<string, string>,
  machine: ProcessMachine,
): string {
  if (contents !== undefined && (written ?? contents) === contents) return `${files}${contents}`;
  if (written === undefined) return machine.workingDirectory;
  const moved = replacePaths(written, paths);
  return moved !== written || machine.isHere(written) ? moved : machine.workingDirectory;
}

function publishedPorts(
  ports: PortMap,
  { frontendPort: frontend }: DesiredReplica,
  { bind }: ProcessMachine,
): DesiredContainer['publish'] {
  return [...ports].map(([containerPort, hostPort]) => ({
    containerPort,
    hostAddress: containerPort === frontend ? bind : '127.0.0.1',
    hostPort,
  }));
}

function rewriteProbes(probes: Probes, rewrite: (text: string) => string, ports: PortMap): Probes {
  const choose = (port: number) => ports.get(port) ?? port;
  // Ports of the other handlers stay the pod's: whoever asks knows where those are published.
  const changed = (probe: Probe | undefined) =>
    probe?.handler.kind === 'exec'
      ? {
          ...probe,
          handler: {
            ...probe.handler,
            command: probe.handler.command.map((word) => mapLocalPorts(rewrite(word), choose)),
          },
        }
      : probe;
  const startup = changed(probes.startup);
  const liveness = changed(probes.liveness);
  const readiness = changed(probes.readiness);
  return { ...(startup ? { startup } : {}), ...(liveness ? { liveness } : {}), ...(readiness ? { readiness } : {}) };
}

/** What was changed, for `render --local` and as a notice of each replica's ports. */
function describeChanges(
  written: DesiredContainer,
  laid: Pick<DesiredContainer, 'env' | 'workingDir'>,
  applied: readonly (EnvChange & { readonly env: Readonly<Record<string, string>> })[],
  { replica, ports }: ContainerContext,
): Pick<LaidOutContainer, 'deviations' | 'diagnostics'> {
  const beside = written.role === 'main' ? {} : { container: written.container };
  const row = { component: replica.component, ...beside };
  const moved = [...ports].filter(([port, hostPort]) => port !== hostPort);
  const changes = Object.fromEntries(moved.map(([port, hostPort]) => [`port ${port}`, String(hostPort)]));
  const reason = 'replicas share the ports of this machine';
  const told = moved.map(([port, hostPort]) => `${port} is ${hostPort}`).join(', ');
  const lost =
    written.workingDir !== undefined && laid.workingDir !== undefined && !laid.workingDir.endsWith(written.workingDir);
  return {
    deviations: [
      ...(moved.length > 0 ? [{ ...row, deviation: 'process-ports', reason, changes }] : []),
      ...applied.map(({ deviation, reason: why, env }) => ({ ...row, deviation, reason: why, changes: env })),
    ],
    diagnostics: [
      ...(moved.length > 0
        ? [{ severity: 'notice', code: 'PROCESS_PORTS', message: `${replica.id}: port ${told}` } as const]
        : []),
      ...(lost
        ? [
            {
              severity: 'notice',
              code: 'PROCESS_DIRECTORY',
              message: `${replica.component}: ${written.workingDir} is not on this machine; it runs in ${laid.workingDir}`,
            } as const,
          ]
        : []),
    ],
  };
}
