/** Flags whose value is the name of a model, which may look like a path and is none. */
const NAME_FLAGS: ReadonlySet<string> = new Set(['--model-name', '--served-model-name']);

function escapeText(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Replaces each path of `paths` where it stands as one, with everything below it; the longest that fits. */
export function replacePaths(text: string, paths: ReadonlyMap<string, string>): string {
  if (paths.size === 0 || !text.includes('/')) return text;
  const longestFirst = [...paths.keys()].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const any = new RegExp(`(?<![\\w./-])(${longestFirst.map(escapeText).join('|')})(?=/|[^\\w.-]|$)`, 'g');
  return text.replaceAll(any, (path) => paths.get(path) ?? path);
}

/** The words of a command with their paths replaced; names of models stay. */
export function replacePathsInWords(words: readonly string[], paths: ReadonlyMap<string, string>): readonly string[] {
  return words.map((word, at) => (NAME_FLAGS.has(words[at - 1] ?? '') ? word : replacePaths(word, paths)));
}

/** Where a name of the graph's network is on this machine: every port of it that is known. */
export type Places = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** `http://frontend:8000` and `etcd:2379` with the host's address and port in place of a Service's. A bare word is no address. */
export function replaceHosts(text: string, places: Places): string {
  if (!text.includes(':')) return text;
  return text.replaceAll(
    /(:\/\/)?(?<![\w.-])([a-zA-Z][\w-]*(?:\.[\w-]+)*)(?::(\d{1,5}))?(?![\w.-])/g,
    (whole, scheme: string | undefined, host: string, digits: string | undefined) => {
      const ports = places.get(host);
      if (ports === undefined || (scheme === undefined && digits === undefined)) return whole;
      const port = digits === undefined ? undefined : (ports.get(Number(digits)) ?? Number(digits));
      return `${scheme ?? ''}127.0.0.1${port === undefined ? '' : `:${port}`}`;
    },
  );
}
