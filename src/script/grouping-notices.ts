import type { ClassifiedLaunch } from './classify-launch.ts';
import { OTHER_DEVICES } from './gpu-demand.ts';
import { membersOf, type UnitGroup, unitDemand } from './group-launches.ts';
import type { InterpretContext } from './interpret-context.ts';
import { countOf, flagValue } from './launch-flags.ts';

/** Names of the components that share a GPU with this one, itself first where its own processes do. */
export function sharingOf({ groups, names }: InterpretContext, index: number): readonly string[] {
  const devicesOf = (group: UnitGroup | undefined) => (group?.units ?? []).flatMap((unit) => unitDemand(unit).devices);
  const mine = devicesOf(groups[index]);
  const others = groups.flatMap((group, other) =>
    other !== index && devicesOf(group).some((device) => mine.includes(device)) ? [names[other] ?? ''] : [],
  );
  const withItself = new Set(mine).size < mine.length ? [names[index] ?? ''] : [];
  return [...withItself, ...others];
}

/** Says what became of the launches: who shares, what was joined or merged, which addresses lead nowhere. */
export function sayGrouping(context: InterpretContext): void {
  const { groups, names, notes, launches } = context;
  for (const [index, group] of groups.entries()) {
    const { main, beside } = group.first;
    const name = names[index] ?? '';
    const sharing = sharingOf(context, index);
    if (sharing.length > 0)
      notes.say('notice', 'GPU_SHARED', `${name} shares a GPU with ${sharing.join(', ')}, as in the script`, main);
    const size = countOf(flagValue(main.argv, '--data-parallel-size', '--data_parallel_size'));
    const ranks = [main, ...beside].filter(
      (launch) => flagValue(launch.argv, '--data-parallel-rank', '--data_parallel_rank') !== undefined,
    ).length;
    if (size !== undefined && ranks > 0 && ranks < size) {
      notes.say(
        'error',
        'SEVERAL_NODES',
        `${main.program} is started with ${ranks} of ${size} ranks: the others are on another node`,
        main,
        'write it as multinode.nodeCount of a component',
      );
    }
    const other = Object.keys(OTHER_DEVICES).find((variable) => main.launch.env[variable] !== undefined);
    if (other !== undefined) {
      notes.say(
        'warning',
        'DEVICE_KIND',
        `${name} asks for NVIDIA GPUs in place of the ${OTHER_DEVICES[other]} that ${other} names`,
        main,
      );
    }
    if (beside.length > 0)
      notes.say(
        'notice',
        'JOINED',
        `${[...new Set([...beside, main].map((launch) => launch.program))].join(' and ')} work together on one host: one replica of ${name}`,
        main,
      );
    if (main.kind === 'frontend' && group.units.length > 1)
      notes.say(
        'notice',
        'FRONTENDS_MERGED',
        `${group.units.length} frontends on ports of their own become replicas of ${name}`,
        main,
      );
    if (main.kind === 'unknown')
      notes.say('warning', 'PROGRAM_UNKNOWN', `${main.program} is not known: it becomes the component ${name}`, main);
  }
  for (const [address, { speakers, listener }] of deadAddresses(context)) {
    const programs = [...new Set(speakers.map((launch) => launch.program))];
    const where =
      listener === undefined
        ? 'which nothing in this graph listens on'
        : `where ${listener} listens in a container of its own`;
    notes.say(
      'warning',
      'ADDRESS_LOCAL',
      `${programs.join(' and ')} ${programs.length > 1 ? 'speak' : 'speaks'} to ${address}, ${where}`,
      speakers[0],
      'give an address that containers reach',
    );
  }
  if (launches.length > 0 && !launches.some((launch) => launch.kind === 'frontend'))
    notes.say('notice', 'NO_FRONTEND', 'the script starts no frontend');
}

interface DeadAddress {
  readonly speakers: readonly ClassifiedLaunch[];
  /** The program that listens there, in another container. */
  readonly listener: string | undefined;
}

/** Addresses of this host that lead nowhere from where they are spoken to: nothing listens, or only in another container. Those of frontends are rewritten. */
function deadAddresses({ references, launches, groups }: InterpretContext): ReadonlyMap<string, DeadAddress> {
  const dead = new Map<string, DeadAddress>();
  const unitOf = (index: number) =>
    groups.flatMap(({ units }) => units).find((unit) => membersOf(unit).some((member) => member.index === index));
  for (const { from, to, address } of references) {
    const speaker = launches.find((launch) => launch.index === from);
    const target = launches.find((launch) => launch.index === to);
    if (speaker === undefined || target?.kind === 'frontend') continue;
    if (to !== undefined && unitOf(from) === unitOf(to)) continue;
    dead.set(address, { speakers: [...(dead.get(address)?.speakers ?? []), speaker], listener: target?.program });
  }
  return dead;
}

const STREAM = /(?:^|=|@)\/(?:dev\/(?:fd\/\d+|stdin)|proc\/self\/fd\/\d+)$/;

/** Says what reads from a stream that only the script has, and that a graph has nothing behind its frontend. */
export function sayStreams({ launches, notes, groups }: InterpretContext): void {
  for (const launch of launches) {
    const word = launch.argv.find((text) => STREAM.test(text));
    if (word !== undefined)
      notes.say(
        'warning',
        'STREAM_LOST',
        `${launch.program} reads ${word}, a stream that only the script has`,
        launch,
        'write what it holds into a file, and hand that over',
      );
  }
  if (groups.every(({ first }) => first.main.kind === 'frontend'))
    notes.say('warning', 'NO_WORKER', 'the script starts a frontend and nothing that answers behind it');
}
