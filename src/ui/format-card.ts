import { stripVTControlCharacters } from 'node:util';
import type { FailureCard } from '../model/failure-card.ts';
import { formatDuration } from './describe-event.ts';

/** Width of the names in front of the fields. */
const NAME_WIDTH = 10;
/** A log line takes at most so many rows. */
const LINE_ROWS = 3;

/** The card as people read it: no line is longer than `columns`; ends without a newline. */
export function formatCard(card: FailureCard, columns = 80): string {
  const width = Math.max(40, columns);
  const rows: string[] = [...wrap(`error ${card.code}: ${card.message}`, width), ''];
  const field = (name: string, text: string | undefined) => {
    if (text === undefined || text === '') return;
    const [first = '', ...more] = wrap(text, width - NAME_WIDTH - 2);
    rows.push(`  ${name.padEnd(NAME_WIDTH)}${first}`, ...more.map((line) => `  ${' '.repeat(NAME_WIDTH)}${line}`));
  };
  if (card.replica !== undefined) field('replica', describeReplica(card));
  if (card.ended) field('ended', describeEnd(card.ended));
  field('answer', card.lastAnswer);
  if (card.lastLines.length > 0) {
    rows.push('  last lines');
    for (const line of card.lastLines) rows.push(...cutLine(stripVTControlCharacters(line), width - 4));
  }
  if (card.alsoFailed.length > 0) field('also', `${card.alsoFailed.join(', ')} failed as well`);
  field('cause', card.cause);
  field('to do', card.hint);
  field('next', card.next);
  return rows.join('\n');
}

function describeReplica(card: FailureCard): string {
  const stage = card.stage === undefined ? '' : `, stage ${card.stage}`;
  const time = card.stageMs === undefined ? '' : ` for ${formatDuration(card.stageMs)}`;
  const component = card.component === undefined || card.component === card.replica ? '' : ` of ${card.component}`;
  return `${card.replica}${component}${stage}${time}`;
}

function describeEnd({ exitCode, signal, oomKilled }: NonNullable<FailureCard['ended']>): string {
  const how = [signal, oomKilled ? 'out of memory' : undefined].filter((word) => word !== undefined);
  return `exit code ${exitCode}${how.length > 0 ? ` (${how.join(', ')})` : ''}`;
}

/** Whole words in lines of `width`; a longer word stands alone. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** A log line in rows behind a bar, cut where it would take too many. */
function cutLine(line: string, width: number): readonly string[] {
  const rows: string[] = [];
  const text = line.trimEnd();
  for (let at = 0; at < Math.max(1, text.length) && rows.length < LINE_ROWS; at += width)
    rows.push(text.slice(at, at + width));
  if (text.length > width * LINE_ROWS) rows[LINE_ROWS - 1] = `${rows[LINE_ROWS - 1]?.slice(0, width - 1) ?? ''}…`;
  return rows.map((row) => `  | ${row}`.trimEnd());
}
