import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { DesiredContainer } from '../../../src/model/desired-state.ts';
import { membershipFilter } from '../../../src/model/labels.ts';
import type { LogLine, LogOptions, Runtime } from '../../../src/model/runtime.ts';
import { connectEngine, findEngine } from '../../../src/runtime/docker/connect-engine.ts';
import { createDockerRuntime, type DockerRuntimeOptions } from '../../../src/runtime/docker/docker-runtime.ts';
import { type ContainerFields, makeContainer } from './make-container.ts';

/** Removes every container, network and volume of a project; what is gone already is fine. */
export async function removeProject(docker: Docker, project: string): Promise<void> {
  const filters = { label: [membershipFilter(project)] };
  const gone = () => undefined;
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(gone)));
  const [networks, { Volumes }] = await Promise.all([
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  await Promise.all([
    ...networks.map(({ Id }) => docker.getNetwork(Id).remove().catch(gone)),
    ...Volumes.map(({ Name }) => docker.getVolume(Name).remove().catch(gone)),
  ]);
}

/** A project of one test, with a name of its own; everything it made goes when it is disposed. */
export class TestProject implements AsyncDisposable {
  readonly name: string;
  readonly runtime: Runtime;
  /** The engine itself, to look behind the runtime. */
  readonly docker: Docker;
  readonly signal = new AbortController().signal;

  constructor(name: string, runtime: Runtime, docker: Docker) {
    this.name = name;
    this.runtime = runtime;
    this.docker = docker;
  }

  /** A desired container of this project; `command` is a shell text. */
  container(component: string, command: string, fields: Omit<ContainerFields, 'project'> = {}): DesiredContainer {
    return makeContainer(component, command, { ...fields, project: this.name });
  }

  async run(container: DesiredContainer): Promise<void> {
    await this.runtime.createContainer(container, this.signal);
    await this.runtime.startContainer(container.name, this.signal);
  }

  /** Runs a container to its end and returns what it wrote to stdout. */
  async read(container: DesiredContainer): Promise<string[]> {
    await this.run(container);
    const lines = await this.lines(container.name, { follow: true });
    return lines.flatMap(({ stream, line }) => (stream === 'stdout' ? [line] : []));
  }

  async lines(name: string, options: LogOptions, signal = this.signal): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for await (const line of this.runtime.logs(name, options, signal)) lines.push(line);
    return lines;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeProject(this.docker, this.name);
  }
}

/** A fresh project in the engine of the environment, or of `env`. */
export async function startTestProject(options: DockerRuntimeOptions = { env: process.env }): Promise<TestProject> {
  const name = `test-${process.pid}-${randomBytes(3).toString('hex')}`;
  const docker = await connectEngine(await findEngine(options.env));
  return new TestProject(name, await createDockerRuntime(options), docker);
}
