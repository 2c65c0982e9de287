import { printable } from '../model/diagnostic.ts';
import type { CheckResult } from './smoke-check.ts';

function count(results: readonly CheckResult[], outcome: CheckResult['outcome']): number {
  return results.filter((result) => result.outcome === outcome).length;
}

/** `11 passed, 1 failed, 2 skipped`. */
function summarize(results: readonly CheckResult[]): string {
  return `${count(results, 'pass')} passed, ${count(results, 'fail')} failed, ${count(results, 'skip')} skipped`;
}

const MARK = { pass: '✔', fail: '✘', skip: '-' } as const;

/** One line per check, and the sum. */
export function formatText(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ check }) => check.length));
  const lines = results.map(
    ({ check, outcome, detail, durationMs }) =>
      `${MARK[outcome]} ${check.padEnd(width)}  ${`${Math.round(durationMs)} ms`.padStart(8)}  ${printable(detail)}`,
  );
  return `${[...lines, summarize(results)].join('\n')}\n`;
}

/** What XML 1.0 §2.2 has no character for. */
const NO_XML = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

function escapeXml(text: string): string {
  return text.replace(NO_XML, '').replace(/[<>&"\t\n\r]/g, (character) => `&#${character.codePointAt(0)};`);
}

/** A JUnit file as CI systems read it: one test case per check, times in seconds. */
export function formatJunit(suite: string, results: readonly CheckResult[]): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(3);
  const total = results.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const cases = results.map(({ check, outcome, detail, durationMs }) => {
    const open = `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(check)}" time="${seconds(durationMs)}"`;
    if (outcome === 'pass') return `${open}/>`;
    const tag = outcome === 'fail' ? 'failure' : 'skipped';
    return `${open}>\n      <${tag} message="${escapeXml(detail)}"/>\n    </testcase>`;
  });
  const counts = `tests="${results.length}" failures="${count(results, 'fail')}" errors="0"`;
  const skipped = `skipped="${count(results, 'skip')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts} time="${seconds(total)}">`,
    `  <testsuite name="${escapeXml(suite)}" ${counts} ${skipped} time="${seconds(total)}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
