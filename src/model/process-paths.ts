/**
 * Where the process runtime keeps a project: `root` is the folder of all of them. The plan names files and volumes by these paths, and
 * the runtime puts them there.
 */

/** The folder of one project: its keeper's socket, its containers, its volumes. */
export function projectFolder(root: string, project: string): string {
  return `${root}/${project}`;
}

/** The folder of one container: what it shall be, how it is, what it has said, and the files it was given. */
export function containerFolder(project: string, name: string): string {
  return `${project}/containers/${name}`;
}

/** Below it a container has its files and links to its volumes, each at the path that it has in an image. */
export function filesFolder(container: string): string {
  return `${container}/files`;
}

/** What a process of the project keeps besides: gone with its container. */
export function dataFolder(container: string): string {
  return `${container}/data`;
}

/** Directories that stand for volumes: claims stay until `down -v`, an emptyDir (`scratch`) goes with the project. */
export function volumesFolder(project: string, scratch: boolean): string {
  return `${project}/${scratch ? 'scratch' : 'volumes'}`;
}

/** What a replica's processes have in their environment, to be found by when everything else is lost: the folder of its container. */
export const REPLICA_FOLDER = 'DYNAMO_REPLICA_FOLDER';
