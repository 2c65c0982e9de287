import type Docker from 'dockerode';
import { EXIT, UserError } from '../../model/diagnostic.ts';
import { LABEL } from '../../model/labels.ts';
import { callEngine, isConflict, isNotFound, tolerate } from './engine-errors.ts';

async function findByName(docker: Docker, network: string, signal: AbortSignal): Promise<Docker.NetworkInspectInfo[]> {
  // The engine's filter matches any part of a name.
  const listed = await docker.listNetworks({ filters: { name: [network] }, abortSignal: signal });
  return listed
    .filter(({ Name }) => Name === network)
    .toSorted((a, b) => (a.Created < b.Created ? -1 : a.Created > b.Created ? 1 : a.Id < b.Id ? -1 : 1));
}

function isOurs({ Labels }: Docker.NetworkInspectInfo, project: string): boolean {
  return Labels?.[LABEL.project] === project;
}

/** The project's bridge. One that exists and is the project's is taken; one that is not is NAME_TAKEN (exit 3). */
export async function createNetwork(
  docker: Docker,
  project: string,
  network: string,
  signal: AbortSignal,
): Promise<void> {
  await callEngine({ what: `network ${network}`, signal }, async () => {
    try {
      const made = await docker.createNetwork({
        Name: network,
        Driver: 'bridge',
        CheckDuplicate: true,
        Labels: { [LABEL.project]: project },
        abortSignal: signal,
      });
      // Engines before 25 check the name without a lock: of those made at once the oldest stays. Each maker removes all younger ones,
      // for an older one may be listed only after a younger one was.
      const [first, ...younger] = await findByName(docker, network, signal);
      const spare = younger.filter((other) => other.Id === made.id || isOurs(other, project));
      await Promise.all(spare.map(({ Id }) => tolerate(docker.getNetwork(Id).remove(), isNotFound)));
      if (!first || first.Id === made.id || isOurs(first, project)) return;
    } catch (error) {
      if (!isConflict(error)) throw error;
      const [first] = await findByName(docker, network, signal);
      if (first && isOurs(first, project)) return;
    }
    throw new UserError('NAME_TAKEN', `there is already another network named ${network}`, {
      exitCode: EXIT.preflight,
      hint: `remove it with docker network rm ${network}, or choose another project name with -p`,
    });
  });
}

/** Removes a network, by exact name and not by the start of an id as the engine would; one that is gone is fine. */
export async function removeNetwork(docker: Docker, network: string, signal: AbortSignal): Promise<void> {
  await callEngine({ what: `network ${network}`, signal }, async () => {
    const found = await findByName(docker, network, signal);
    await Promise.all(
      found.map(({ Id }) => tolerate(docker.getNetwork(Id).remove({ abortSignal: signal }), isNotFound)),
    );
  });
}
