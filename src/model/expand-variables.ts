/**
 * Expands `$(NAME)` as the kubelet does: `$$` is a literal `$`, so `$$(NAME)` stays `$(NAME)`; an unknown name stays as written.
 * Mirrors third_party/forked/golang/expansion/expand.go of Kubernetes.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  let result = '';
  let from = 0;
  for (let here = 0; here < text.length; here += 1) {
    if (text[here] !== '$' || here + 1 >= text.length) continue;
    const next = text[here + 1];
    if (next === '$') {
      result += `${text.slice(from, here)}$`;
    } else if (next === '(') {
      const end = text.indexOf(')', here + 2);
      if (end === -1) continue;
      const name = text.slice(here + 2, end);
      result += text.slice(from, here) + (lookup(name) ?? `$(${name})`);
      here = end;
      from = here + 1;
      continue;
    } else {
      continue;
    }
    here += 1;
    from = here + 1;
  }
  return result + text.slice(from);
}
