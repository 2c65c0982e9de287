import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { formatJunit, formatText } from '../../../src/smoke/format-report.ts';
import type { CheckResult } from '../../../src/smoke/smoke-check.ts';

const RESULTS: readonly CheckResult[] = [
  { check: 'chat', outcome: 'pass', detail: '8 characters', durationMs: 12.4 },
  { check: 'stream', outcome: 'fail', detail: '<"a" &\n\u0007b>', durationMs: 1500 },
  { check: 'prefill', outcome: 'skip', detail: 'no prefill worker', durationMs: 0 },
];

test('a line for each check and the sum', () => {
  expect(formatText(RESULTS)).toBe(
    [
      '✔ chat        12 ms  8 characters',
      '✘ stream    1500 ms  <"a" &\\n\\u0007b>',
      '- prefill      0 ms  no prefill worker',
      '1 passed, 1 failed, 1 skipped',
      '',
    ].join('\n'),
  );
});

test('JUnit names what failed, escaped, without characters that XML forbids', () => {
  expect(formatJunit('p', RESULTS)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" time="1.512">
  <testsuite name="p" tests="3" failures="1" errors="0" skipped="1" time="1.512">
    <testcase classname="p" name="chat" time="0.012"/>
    <testcase classname="p" name="stream" time="1.500">
      <failure message="&#60;&#34;a&#34; &#38;&#10;b&#62;"/>
    </testcase>
    <testcase classname="p" name="prefill" time="0.000">
      <skipped message="no prefill worker"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});

const SCHEMA = readFileSync(new URL('../../fixtures/junit.xsd', import.meta.url), 'utf8');

test.each(['p', 'http://127.0.0.1:8000/"<&>', '\ud800\ufffe é 漢 🙂'])('JUnit of suite %j validates', async (suite) => {
  const xml = [{ fileName: 'smoke.xml', contents: formatJunit(suite, RESULTS) }];
  const { valid, errors } = await validateXML({ xml, schema: [SCHEMA] });
  expect(errors.map(({ message }) => message)).toEqual([]);
  expect(valid).toBe(true);
});

test('the schema refuses what is no JUnit', async () => {
  const contents = formatJunit('p', RESULTS).replace('time="1.500"', 'time="soon"');
  expect((await validateXML({ xml: [{ fileName: 'smoke.xml', contents }], schema: [SCHEMA] })).valid).toBe(false);
});
