import type { Writable } from 'node:stream';
import type { DynamoEvent } from '../model/event.ts';
import { createLogWriter } from './log-writer.ts';

export type RendererMode = 'tty' | 'plain' | 'json' | 'quiet';

export interface Renderer {
  handle(event: DynamoEvent): void;
  close(): Promise<void>;
}

export function chooseMode(flag: string | undefined, terminal: { readonly isTTY: boolean; readonly env: Readonly<Record<string, string | undefined>> }): RendererMode {
  if (flag === 'tty' || flag === 'plain' || flag === 'json' || flag === 'quiet') return flag;
  return terminal.isTTY && false ? 'tty' : 'plain';
}

export async function createRenderer(
  mode: RendererMode,
  streams: { readonly stdout: Writable; readonly stderr: Writable },
  _options: { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<Renderer> {
  const say = (text: string) => streams.stderr.write(`${text}\n`);
  const write = createLogWriter(streams.stderr, [], { color: false });
  return {
    handle: (event) => {
      if (mode === 'quiet') return;
      if (mode === 'json') return void say(JSON.stringify(event.type === 'plan' ? { type: 'plan', steps: event.plan.steps.map((s) => s.text) } : event));
      switch (event.type) {
        case 'replica-stage':
          return void say(`${event.replica}  ${event.stage}${event.detail ? ` (${event.detail})` : ''}`);
        case 'notice':
          return void say(`${event.diagnostic.severity} ${event.diagnostic.code}: ${event.diagnostic.message}`);
        case 'log':
          return write(event.source, event.line);
        case 'graph-ready':
          return void say(`ready after ${(event.durationMs / 1000).toFixed(1)} s  ${event.url ?? ''} ${event.models.join(', ')}`);
        case 'done':
          return void say(event.summary);
        case 'replica-restarting':
          return void say(`${event.replica}  restarting in ${event.delayMs} ms: ${event.reason}`);
        default:
      }
    },
    close: () => Promise.resolve(),
  };
}
