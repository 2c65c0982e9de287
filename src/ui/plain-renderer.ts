import { styleText } from 'node:util';
import type { DynamoEvent } from '../model/event.ts';
import { describeEvent, formatPull } from './describe-event.ts';
import type { Renderer, Terminal } from './event-renderer.ts';
import { createLogWriter } from './log-writer.ts';

/** A pull says where it is once for each such part of the whole. */
const PULL_STEP = 0.1;
/** So does loading, in percent of the whole. */
const LOAD_STEP = 0.25;

/** Names whose lines will come: they decide how wide the prefixes are. */
export function sourcesOf(event: Extract<DynamoEvent, { readonly type: 'plan' }>): readonly string[] {
  return event.plan.steps.flatMap(({ operation, target }) =>
    operation.kind === 'waitReady' || operation.kind === 'waitHealthy' ? [target] : [],
  );
}

/** One line for each event that matters, in the order in which things happen. */
export function createPlainRenderer(stderr: Terminal, color: boolean): Renderer {
  let writeLog = createLogWriter(stderr, [], { color });
  const pulled = new Map<string, number>();
  const loaded = new Map<string, number>();
  const dim = (text: string) => (color ? styleText('dim', text, { validateStream: false }) : text);
  return {
    handle: (event) => {
      switch (event.type) {
        case 'plan':
          writeLog = createLogWriter(stderr, sourcesOf(event), { color });
          return;
        case 'log':
          writeLog(event.source, event.line);
          return;
        case 'progress': {
          const key = `${event.replica} ${event.text.replace(/\d+/, '')}`;
          const before = loaded.get(key);
          if (event.share !== undefined && before !== undefined && event.share < before + LOAD_STEP) return;
          if (event.share !== undefined) loaded.set(key, event.share);
          stderr.write(`${event.replica}  ${event.text}\n`);
          return;
        }
        case 'pull-progress': {
          const part = event.totalBytes === 0 ? 0 : event.doneBytes / event.totalBytes;
          const before = pulled.get(event.image);
          if (before !== undefined && part < before + PULL_STEP) return;
          pulled.set(event.image, part);
          stderr.write(`pull ${event.image}  ${formatPull(event)}\n`);
          return;
        }
        default: {
          const text = describeEvent(event);
          if (text !== undefined) stderr.write(`${event.type === 'notice' ? dim(text) : text}\n`);
        }
      }
    },
    close: () => Promise.resolve(),
  };
}
