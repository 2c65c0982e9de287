import type { OperatorGeneration } from '../model/origin.ts';
import { isWorkerType } from './generation.ts';

const FRAMEWORKS = ['vllm', 'sglang', 'trtllm'] as const;
export type Framework = (typeof FRAMEWORKS)[number] | 'noop';

export interface DetectedFramework {
  readonly framework: Framework;
  /** Why the operator fails to reconcile, in its own words. */
  readonly problem: string | undefined;
}

function isFramework(text: string): text is Framework {
  return FRAMEWORKS.some((framework) => framework === text);
}

/** Which frameworks a command line starts: `python -m dynamo.<framework>`; the image never counts. */
export function detectFrameworks(commandLine: string): readonly Framework[] {
  return FRAMEWORKS.filter((framework) =>
    new RegExp(`python[0-9.]*\\s+[^|&;]*-m\\s+[^|&;]*dynamo\\.${framework}[^|&;]*`).test(commandLine),
  );
}

/**
 * The framework of a worker: what its own command starts, else `backendFramework`, else none
 * [041 graph.go:995, 102 graph.go:1947, 150 graph.go:3019]. 0.4 insists on one.
 */
export function determineFramework(
  type: string,
  words: readonly string[],
  explicit: string | undefined,
  generation: OperatorGeneration,
): DetectedFramework {
  if (!isWorkerType(type, generation)) return { framework: 'noop', problem: undefined };
  const commandLine = words.join(' ');
  const detected = detectFrameworks(commandLine);
  const [only] = detected.length === 1 ? detected : [];
  const chosen = explicit !== undefined && isFramework(explicit) ? explicit : undefined;
  if (only !== undefined && chosen !== undefined && only !== chosen) {
    const problem = `backend framework mismatch: detected "${only}" from command but explicitly configured as "${chosen}"`;
    return { framework: only, problem };
  }
  if (only !== undefined) return { framework: only, problem: undefined };
  if (chosen !== undefined) return { framework: chosen, problem: undefined };
  if (detected.length > 1) {
    const problem = `could not determine backend framework: multiple backend frameworks detected from command: [${detected.join(' ')}] in "${commandLine}"`;
    return { framework: 'noop', problem };
  }
  if (generation !== '0.4') return { framework: 'noop', problem: undefined };
  const problem =
    words.length > 0
      ? `could not determine backend framework: no backend framework detected from command: "${commandLine}"`
      : 'backend framework must be specified explicitly or detectable from command/args';
  return { framework: 'noop', problem };
}
