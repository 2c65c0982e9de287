import { formatDiagnostic } from '../model/diagnostic.ts';
import type { DynamoEvent } from '../model/event.ts';
import { formatBytes } from '../model/quantity.ts';

/** `4.2 s`, `250 ms`, `3 min 20 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `34 % of 1.2 GiB`, or what the engine says while it does not know the size. */
export function formatPull(event: Extract<DynamoEvent, { readonly type: 'pull-progress' }>): string {
  if (event.totalBytes === 0) return event.status;
  const done = event.layers.filter((layer) => layer.status === 'Pull complete' || layer.status === 'Already exists');
  const part = `${Math.floor((event.doneBytes / event.totalBytes) * 100)} % of ${formatBytes(event.totalBytes)}`;
  return event.layers.length === 0 ? part : `${part}, ${done.length} of ${event.layers.length} layers`;
}

/** A question to paste, for the first model of a graph that is up. */
function formatCurl(url: string, model: string): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 32 });
  return `curl ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`;
}

/** What people read when a graph is up. */
function describeReady(event: Extract<DynamoEvent, { readonly type: 'graph-ready' }>): string {
  const lines = [`ready after ${formatDuration(event.durationMs)}${event.url ? `: ${event.url}` : ''}`];
  const model = event.models[0];
  if (event.models.length > 0) lines.push(`models: ${event.models.join(', ')}`);
  if (event.url && model !== undefined) lines.push(formatCurl(event.url, model));
  return lines.join('\n');
}

/** One event in words, or undefined where it says nothing to people by itself. Log lines are not described here. */
export function describeEvent(event: DynamoEvent): string | undefined {
  switch (event.type) {
    case 'notice':
      return formatDiagnostic(event.diagnostic);
    case 'replica-stage':
      return `${event.replica}  ${event.stage}${event.detail ? ` (${event.detail})` : ''}`;
    case 'progress':
      return `${event.replica}  ${event.text}`;
    case 'replica-restarting': {
      const when = event.delayMs === 0 ? 'now' : `in ${formatDuration(event.delayMs)}`;
      return `${event.replica}  restarting ${when}, for the ${event.count}. time: ${event.reason}`;
    }
    case 'graph-ready':
      return describeReady(event);
    case 'smoke-check':
      return `smoke ${event.check}  ${event.outcome}: ${event.detail}`;
    case 'graph-status':
      return `${event.graph}: ${event.text}`;
    case 'stopping':
      return `stopping: ${event.reason}`;
    case 'done':
      return event.summary;
    default:
      return undefined;
  }
}
