/** Components with those that they wait for before them; else in their order. What waits for itself in a circle waits for nothing. */
export function inStartOrder<C extends { readonly name: string; readonly startAfter: readonly string[] }>(
  components: readonly C[],
): readonly C[] {
  const ordered: C[] = [];
  const open = new Set(components);
  while (open.size > 0) {
    const names = new Set([...open].map(({ name }) => name));
    const ready = [...open].filter(
      ({ name, startAfter }) => !startAfter.some((other) => other !== name && names.has(other)),
    );
    for (const component of ready.length > 0 ? ready : open) {
      ordered.push(component);
      open.delete(component);
    }
  }
  return ordered;
}
