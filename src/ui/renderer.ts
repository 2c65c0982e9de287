import { UserError } from '../model/diagnostic.ts';
import type { Environment, Renderer, Terminal } from './event-renderer.ts';
import { createPlainRenderer } from './plain-renderer.ts';

const RENDERER_MODES = ['tty', 'plain', 'json', 'quiet'] as const;
export type RendererMode = (typeof RENDERER_MODES)[number];

/** `--progress`; `auto` draws rows only on a terminal that can, and not in CI. */
export function chooseMode(
  flag: string | undefined,
  place: { readonly isTTY: boolean; readonly env: Environment },
): RendererMode {
  if (flag !== undefined && flag !== 'auto') {
    const mode = RENDERER_MODES.find((known) => known === flag);
    if (mode) return mode;
    throw new UserError('INVALID_FLAG', `--progress: "${flag}" is not known`, {
      hint: `choose auto, ${RENDERER_MODES.join(', ')}`,
    });
  }
  const { env } = place;
  return place.isTTY && env.TERM !== 'dumb' && !env.CI ? 'tty' : 'plain';
}

/** NO_COLOR and FORCE_COLOR win over what the terminal can. */
function usesColor(terminal: Terminal, env: Environment): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return (terminal.isTTY ?? false) && env.TERM !== 'dumb';
}

/** The renderer of a mode; all of them write to stderr, since stdout is for data. */
export async function createRenderer(mode: RendererMode, stderr: Terminal, env: Environment): Promise<Renderer> {
  const color = usesColor(stderr, env);
  switch (mode) {
    case 'quiet':
      return { handle: () => undefined, close: () => Promise.resolve() };
    case 'json': {
      const { eventToJson } = await import('./event-to-json.ts');
      return {
        handle: (event) => void stderr.write(`${JSON.stringify(eventToJson(event))}\n`),
        close: () => Promise.resolve(),
      };
    }
    case 'plain':
      return createPlainRenderer(stderr, color);
    case 'tty': {
      const { createTtyRenderer } = await import('./tty-renderer.ts');
      return createTtyRenderer(stderr, color);
    }
  }
}
