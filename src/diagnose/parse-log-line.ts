import { stripVTControlCharacters } from 'node:util';

/** One line of a log, as far as it says more than text. */
export interface LogRecord {
  /** `ERROR`, `WARN`, `INFO`…; undefined for lines that no logger of Dynamo wrote: tracebacks, panics, other programs. */
  readonly level: string | undefined;
  /** The message, its fields behind it as `name=value`. */
  readonly message: string;
}

/** `2026-11-23T15:00:27.309829Z  INFO target: message`, what the runtimes of every version write (facts/runtime.md §5.1). */
const READABLE = /^\d{4}-\d\d-\d\dT[\d:.]+\S*\s+(TRACE|DEBUG|INFO|WARN|ERROR)\s+(?:[\w:.<>-]+:\s+)?(.*)$/;
/** Fields of a JSON line that are not the message's. */
const FRAME = new Set(['time', 'level', 'file', 'line', 'target', 'message']);

/** Reads a line in either form, readable or JSONL, with or without colours. */
export function parseLogLine(line: string): LogRecord {
  const text = stripVTControlCharacters(line).trim();
  if (text.startsWith('{')) {
    const record = parseJsonLine(text);
    if (record) return record;
  }
  const [, level, message] = READABLE.exec(text) ?? [];
  return level === undefined ? { level: undefined, message: text } : { level, message: message ?? '' };
}

function parseJsonLine(text: string): LogRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('message' in value)) return undefined;
  const fields = Object.entries(value).filter(([name]) => !FRAME.has(name) && !name.startsWith('log.'));
  const words = fields.map(([name, field]) => `${name}=${typeof field === 'string' ? field : JSON.stringify(field)}`);
  const level = 'level' in value && typeof value.level === 'string' ? value.level : undefined;
  return { level, message: [String(value.message), ...words].join(' ') };
}
