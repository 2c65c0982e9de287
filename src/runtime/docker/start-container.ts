import type Docker from 'dockerode';
import { UserError } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import { callEngine, isNotModified, readEngineError, tolerate } from './engine-errors.ts';

/** Starts a container; one that runs is fine. PORT_TAKEN (exit 3) names the port, and the container that holds it where it is one. */
export async function startContainer(docker: Docker, name: string, signal: AbortSignal): Promise<void> {
  try {
    await callEngine({ what: name, signal, otherwise: 'START_FAILED' }, () =>
      tolerate(docker.getContainer(name).start({ abortSignal: signal }), isNotModified),
    );
  } catch (error) {
    if (error instanceof UserError && error.code === 'PORT_TAKEN') throw await namePortHolder(docker, name, error);
    throw error;
  }
}

/** The address and port in an engine's words: `Bind for 127.0.0.1:8000 failed: …`, `listen tcp4 127.0.0.1:8000: bind: …`. */
export function parseTakenPort(text: string): { readonly address: string; readonly port: number } | undefined {
  const match = /(?:Bind for|listen tcp[46]?|bind(?: host)? port(?: for)?) \[?([0-9a-fA-F.:]+?)\]?:(\d+)/i.exec(text);
  return match ? { address: match[1] ?? '', port: Number(match[2]) } : undefined;
}

async function namePortHolder(docker: Docker, name: string, error: UserError): Promise<UserError> {
  const taken = parseTakenPort(readEngineError(error.cause).text);
  if (!taken) return error;
  const running = await docker.listContainers().catch(() => []);
  const holder = running.find(({ Ports }) => Ports?.some(({ PublicPort }) => PublicPort === taken.port));
  const project = holder?.Labels?.[LABEL.project];
  const by = holder ? `container ${(holder.Names[0] ?? holder.Id).replace(/^\//, '')}` : 'another program';
  return new UserError(
    'PORT_TAKEN',
    `${name}: port ${taken.port} on ${taken.address} is taken by ${by}${project ? ` of project ${project}` : ''}`,
    { exitCode: error.exitCode, ...(error.hint ? { hint: error.hint } : {}), cause: error.cause },
  );
}
