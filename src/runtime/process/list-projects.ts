import { access, readdir } from 'node:fs/promises';
import { projectFolder } from '../../model/process-paths.ts';
import { projectFile } from './marker.ts';

/** Names in a folder in their order, without hidden ones; none where there is no folder. */
export async function listFolder(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).toSorted();
}

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** True for what was made as a project, also where only its containers tell. */
export async function isProject(folder: string): Promise<boolean> {
  return (await isThere(projectFile(folder))) || (await listFolder(`${folder}/containers`)).length > 0;
}

/** Names of the projects of the process runtime. */
export async function listProjects(root: string): Promise<readonly string[]> {
  const names = await listFolder(root);
  const made = await Promise.all(names.map((name) => isProject(projectFolder(root, name))));
  return names.filter((_, index) => made[index]);
}
