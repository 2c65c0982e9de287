/** Present once the project has been made; a folder without it is what a keeper leaves behind that was started for nothing. */
export function projectFile(folder: string): string {
  return `${folder}/project.json`;
}
