import { type ClassifiedLaunch, isProcessor } from './classify-launch.ts';

const SIDECAR_NAMES = { vllm: 'VLLMWorker', sglang: 'SGLangWorker', trtllm: 'TRTLLMWorker' } as const;

/** The name of a component as upstream's files have it (rule 3 of facts/deployment-yaml.md §6.3); numbered by `uniqueNames` where two would be equal. */
export function componentName(launch: ClassifiedLaunch): string {
  const { kind, backend, role, program } = launch;
  switch (kind) {
    case 'frontend':
      return 'Frontend';
    case 'planner':
      return program.includes('global') ? 'GlobalPlanner' : 'Planner';
    case 'router':
      return program.includes('global') ? 'GlobalRouter' : 'Router';
    case 'mocker':
      return role === 'prefill' || role === 'decode' ? role : 'MockerWorker';
    case 'sidecar':
      return role === 'prefill' || role === 'decode' ? role : backend === undefined ? 'Worker' : SIDECAR_NAMES[backend];
    default:
      return workerName(launch);
  }
}

function workerName(launch: ClassifiedLaunch): string {
  const { backend, role, program, kind } = launch;
  if (isProcessor(launch)) return 'Processor';
  if (role === 'encode') return 'EncodeWorker';
  if (backend === 'vllm' && program === 'dynamo.vllm')
    return role === 'prefill' ? 'VllmPrefillWorker' : 'VllmDecodeWorker';
  if (backend === 'sglang' && program === 'dynamo.sglang') return role ?? 'decode';
  if (backend === 'trtllm' && program === 'dynamo.trtllm') return role ?? 'TRTLLMWorker';
  const words = program
    .replace(/\.py$/, '')
    .replace(/^dynamo\./, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const name = words
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('')
    .slice(0, 40);
  if (name === '') return 'Worker';
  return kind === 'worker' && !/worker|processor/i.test(name) ? `${name}Worker` : name;
}

/** The same names, numbered from 2 where they would be equal but for case. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  const used = new Map<string, number>();
  return names.map((name) => {
    const count = (used.get(name.toLowerCase()) ?? 0) + 1;
    used.set(name.toLowerCase(), count);
    return count === 1 ? name : `${name}${count}`;
  });
}

/** The v1beta1 type of a component; undefined for what the operator gives no type (routers). */
export function componentType({ kind, role }: ClassifiedLaunch): string | undefined {
  if (kind === 'frontend' || kind === 'planner') return kind;
  if (kind === 'router') return undefined;
  return role === 'prefill' || role === 'decode' ? role : 'worker';
}
