import { join } from 'node:path';

/** The folder of one project: its keeper's socket, its containers, its volumes. */
export function projectFolder(root: string, project: string): string {
  return join(root, project);
}

/** Present once the project has been made; a folder without it is what a keeper leaves behind that was started for nothing. */
export function projectFile(folder: string): string {
  return join(folder, 'project.json');
}

/** What a replica's processes have in their environment, to be found by when everything else is lost. */
export const MARKER = 'DYNAMO_REPLICA_FOLDER';

/** The folder of one container: what it shall be, how it is, what it has said, and the files it was given. */
export function containerFolder(project: string, name: string): string {
  return join(project, 'containers', name);
}

/** Directories that stand for volumes: claims stay until `down -v`, an emptyDir (`scratch`) goes with the project. */
export function volumesFolder(project: string, scratch: boolean): string {
  return join(project, scratch ? 'scratch' : 'volumes');
}
