/** Marks a container whose files are not all written. Nothing desired has this name: what a killed run leaves is removed as an orphan. */
const MARK = '.unfinished';

/** The name under which a container is made until its files are in it. */
export function unfinishedName(name: string): string {
  return `${name}${MARK}`;
}

/** The name that a container gets, whether it has it already or not. */
export function finishedName(name: string): string {
  return name.endsWith(MARK) ? name.slice(0, -MARK.length) : name;
}
