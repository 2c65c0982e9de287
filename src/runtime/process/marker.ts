/** What a replica's processes have in their environment, to be found by when everything else is lost: the folder of its container. */
export const MARKER = 'DYNAMO_REPLICA_FOLDER';

/** Present once the project has been made; a folder without it is what a keeper leaves behind that was started for nothing. */
export function projectFile(folder: string): string {
  return `${folder}/project.json`;
}
