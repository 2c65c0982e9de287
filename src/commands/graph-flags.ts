import { type Command, Option } from 'commander';
import { parseCount } from './duration.ts';
import { addScriptFlags, type ScriptFlags } from './script-flags.ts';

/** Flags of every verb that reads a graph. */
export interface GraphFlags extends ScriptFlags {
  readonly project?: string;
  /** `docker` or `process` */
  readonly runtime?: string;
  /** Interpreter of processes. */
  readonly python?: string;
  /** Variables of the caller that processes are given. */
  readonly envPass?: readonly string[];
  readonly name?: string;
  readonly operatorVersion?: string;
  readonly runtimeVersion?: readonly string[];
  readonly image?: readonly string[];
  readonly tag?: string;
  readonly scale?: readonly string[];
  readonly withPlanner?: boolean;
  /** Replicas on one GPU; true: two. */
  readonly shareGpus?: number | true;
  readonly gpus?: string;
  /** Mockers stand for the workers: no GPU is needed. */
  readonly mock?: boolean;
  readonly port: number;
  readonly bind: string;
  readonly pull?: string;
  readonly envFile?: readonly string[];
  /** More files with Secrets, ConfigMaps and claims. */
  readonly file?: readonly string[];
  readonly secret?: readonly string[];
  readonly volume?: readonly string[];
  readonly infraEndpoints?: string;
}

/** More than that is a mistake: an engine needs some gigabytes for itself. */
const MOST_PER_GPU = 8;
const HIGHEST_PORT = 65_535;

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Adds them to a command; the defaults are those of the DESIGN's command line. */
export function addGraphFlags(command: Command): Command {
  return addScriptFlags(command)
    .option('-p, --project <name>', 'project name (default: the name of the graph)')
    .option('--name <graph>', 'which graph of a file that holds several')
    .option('--operator-version <version>', 'operator generation that merges the file: 0.4, 0.6, 1.1 or 1.5')
    .addOption(new Option('--runtime-version <[component=]version>', 'Dynamo version in the images').argParser(collect))
    .addOption(new Option('--image <[component=]ref>', 'image to run instead of the file’s').argParser(collect))
    .option('--tag <tag>', 'tag to give every image of the file')
    .addOption(new Option('--scale <component=n>', 'replicas of a component').argParser(collect))
    .addOption(
      new Option('--share-gpus [n]', 'so many replicas on one GPU (2), one started after another').argParser((text) =>
        parseCount(text, '--share-gpus', 2, MOST_PER_GPU),
      ),
    )
    .option(
      '--with-planner',
      'ask for planners, which need Kubernetes: says what they need instead of leaving them out',
    )
    .option('--gpus <list>', 'GPUs to choose from: indexes or UUIDs, comma-separated')
    .option('--mock', 'run mockers in place of the workers: the whole graph on a CPU')
    .addOption(
      new Option('--port <port>', 'host port of the frontend, 0 for a free one')
        .argParser((text) => parseCount(text, '--port', 0, HIGHEST_PORT))
        .default(8000),
    )
    .option('--bind <address>', 'host address of the frontend', '127.0.0.1')
    .option('--pull <policy>', 'always, missing or never')
    .addOption(new Option('--env-file <file>', 'variables for every component').argParser(collect))
    .addOption(new Option('-f, --file <file>', 'more Secrets, ConfigMaps and claims').argParser(collect))
    .addOption(
      new Option('--secret <name=file>', 'Secret from KEY=value lines; NAME.KEY=VARIABLE: one key').argParser(collect),
    )
    .addOption(new Option('--volume <claim=path>', 'directory that stands for a claim').argParser(collect))
    .option('--runtime <runtime>', 'docker, or process: on this host without containers (default: docker)')
    .option('--python <path>', 'with --runtime process: the interpreter that has Dynamo')
    .addOption(
      new Option(
        '--env-pass <names>',
        'with --runtime process: variables of yours to pass on, `*` for any rest',
      ).argParser(collect),
    )
    .option('--infra-endpoints <etcd=…,nats=…>', 'use an etcd and a NATS that run already');
}
