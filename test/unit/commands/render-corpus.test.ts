import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runCli } from '../../support/run-cli.ts';
import { hasCorpus, listCorpusFiles, readCorpusFile } from '../operator/read-corpus.ts';

const CORPUS = join(import.meta.dirname, '../../../../shared/corpus');
/** With the least number of components that are compared. */
const VERSIONS = [
  ['v0.4.1', '0.4', 30],
  ['v0.6.1', '0.6', 100],
  ['v1.1.0-dev', '1.1', 190],
  ['v1.5.0-dev', '1.5', 140],
] as const;

interface Golden {
  readonly name: string;
  readonly components?: Readonly<
    Record<string, { readonly deployment?: { readonly name: string; readonly template: unknown } }>
  >;
}
interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: unknown };
}

/** Deployments that the goldens have, and those of them that `render --cluster` writes differently. */
async function compare(folder: string, generation: string, path: string) {
  const wrong: string[] = [];
  let compared = 0;
  for (const document of parseAllDocuments(readCorpusFile('golden', folder, path), { uniqueKeys: false })) {
    // The goldens are ours to describe: one YAML document per graph, in this shape.
    const golden = document.toJS() as Golden;
    const flags = ['--cluster', '--operator-version', generation, '--name', golden.name, '--format', 'json'];
    const { exitCode, stdout, stderr } = await runCli(['render', join(CORPUS, folder, path), ...flags]);
    if (exitCode !== 0) {
      // A sample without a spec is the only graph of which nothing can be rendered.
      if (!stderr.includes('SPEC_EMPTY')) wrong.push(`${path}: ${exitCode} ${stderr.slice(0, 300)}`);
      continue;
    }
    const documents: readonly Rendered[] = JSON.parse(stdout);
    for (const { deployment } of Object.values(golden.components ?? {})) {
      if (!deployment) continue;
      compared += 1;
      const found = documents.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === deployment.name);
      if (JSON.stringify(sorted(found?.spec.template)) !== JSON.stringify(sorted(deployment.template)))
        wrong.push(`${path}: ${deployment.name}`);
    }
  }
  return { wrong, compared };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

describe.skipIf(!hasCorpus)('render --cluster writes the pods of the real operator', () => {
  test.each(VERSIONS)(
    'of every file of %s, what it refuses included',
    { timeout: 120_000 },
    async (folder, version, deployments) => {
      const wrong: string[] = [];
      let total = 0;
      for (const path of listCorpusFiles(folder)) {
        // The goldens were made in the namespace `default`, whatever the file names.
        if (/^ {2}namespace: /m.test(readCorpusFile(folder, path))) continue;
        const one = await compare(folder, version, path);
        wrong.push(...one.wrong);
        total += one.compared;
      }
      expect(wrong).toEqual([]);
      expect(total).toBeGreaterThan(deployments);
    },
  );
});
