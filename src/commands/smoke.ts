import type { Command } from 'commander';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { CheckResult, SmokeTarget } from '../smoke/smoke-check.ts';
import { addClusterFlags, type ClusterFlags, connectCluster } from './cluster-flags.ts';
import { connectProject, observeContainersOf } from './connect-project.ts';
import { type Io, print, printJson } from './io.ts';
import { smokeTarget } from './smoke-graph.ts';

interface SmokeFlags extends ClusterFlags {
  readonly graph?: string;
  readonly project?: string;
  readonly url?: string;
  readonly format: string;
  readonly only?: string;
}

/** What was asked: `cluster`, `namespace` and `graph`, or `project`, or `url`. */
type Place = Readonly<Record<string, string>>;

/** `dynamo smoke`: asks a graph that is up, or any URL, what its users will ask. Exit 6 when a check fails. */
export function registerSmoke(program: Command, io: Io, setExitCode: (code: number) => void): void {
  addClusterFlags(
    program
      .command('smoke')
      .description('ask a graph that is up what its users will ask; exit 6 when an answer is wrong'),
  )
    .option('-p, --project <name>', 'project name')
    .option('--url <url>', 'a frontend anywhere; checks that look at workers are skipped')
    .option('-g, --graph <name>', 'a graph of a cluster, asked through port-forwards of your kubectl')
    .option('--format <format>', 'text, json or junit', 'text')
    .option('--only <checks>', 'names of checks, comma-separated')
    .action(async (flags: SmokeFlags) => {
      const { chooseChecks, runSuite } = await import('../smoke/run-suite.ts');
      const names = chooseChecks(flags.only);
      checkFormat(flags.format);
      checkPlace(flags);
      if (flags.graph !== undefined) {
        const { place, results } = await smokeGraphOfCluster(flags.graph, names, flags, io);
        await printResults(place, results, flags.format, io);
        if (results.some(({ outcome }) => outcome === 'fail')) setExitCode(EXIT.smokeFailed);
        return;
      }
      const { place, target } = await findTarget(flags, io);
      const results = await runSuite(target, names, io.clock, io.interrupted);
      await printResults(place, results, flags.format, io);
      if (results.some(({ outcome }) => outcome === 'fail')) setExitCode(EXIT.smokeFailed);
    });
}

/** Flags that say where, but not what: nothing is asked of another place than was meant. */
function checkPlace({ graph, namespace, context, project, url }: SmokeFlags): void {
  if (graph === undefined && (namespace ?? context) !== undefined)
    throw new UserError('INVALID_FLAG', '--namespace and --context are for a graph of a cluster', {
      hint: 'name it with -g GRAPH',
    });
  if ([graph, project, url].filter((place) => place !== undefined).length > 1)
    throw new UserError('INVALID_FLAG', '--graph, --project and --url exclude one another');
}

async function smokeGraphOfCluster(
  graph: string,
  names: readonly string[],
  flags: SmokeFlags,
  io: Io,
): Promise<{ readonly place: Place; readonly results: readonly CheckResult[] }> {
  const [{ smokeCluster }, { readPlace }] = await Promise.all([
    import('./smoke-cluster.ts'),
    import('../cluster/read-place.ts'),
  ]);
  const kubectl = await connectCluster(flags, io);
  const [{ cluster, namespace }, results] = await Promise.all([
    readPlace(kubectl, flags.namespace),
    smokeCluster({ kubectl, graph, namespace: flags.namespace, names, io }, io.interrupted),
  ]);
  return { place: { ...(cluster === undefined ? {} : { cluster }), namespace, graph }, results };
}

function checkFormat(format: string): void {
  if (['text', 'json', 'junit'].includes(format)) return;
  throw new UserError('FORMAT', `there is no format "${format}"`, { hint: 'use text, json or junit' });
}

async function printResults(place: Place, results: readonly CheckResult[], format: string, io: Io): Promise<void> {
  const { formatJunit, formatText } = await import('../smoke/format-report.ts');
  if (format === 'json') return printJson(io, { ...place, checks: results });
  if (format === 'junit') return print(io, formatJunit(Object.values(place).join('/'), results));
  const names = Object.entries(place).map(([what, name]) => `${what} ${name}`);
  print(io, `${names.join(', ')}\n${formatText(results)}`);
}

async function findTarget(flags: SmokeFlags, io: Io): Promise<{ readonly place: Place; readonly target: SmokeTarget }> {
  if (flags.url !== undefined) {
    const url = URL.canParse(flags.url) ? new URL(flags.url) : undefined;
    if (url === undefined || !url.protocol.startsWith('http'))
      throw new UserError('URL', `"${flags.url}" is no http:// or https:// URL`);
    return {
      place: { url: url.host },
      target: { url: url.href.replace(/\/(?:v1\/?)?$/, ''), routerMode: undefined, workers: [] },
    };
  }
  const { runtime, project } = await connectProject(flags.project, io);
  const containers = await observeContainersOf({ project, runtime }, io, true);
  return { place: { project }, target: smokeTarget(project, containers) };
}
