import { expect, test } from 'vitest';
import { formatJunit, formatText } from '../../../src/smoke/format-report.ts';
import type { CheckResult } from '../../../src/smoke/smoke-check.ts';

const RESULTS: readonly CheckResult[] = [
  { check: 'chat', outcome: 'pass', detail: '8 characters', durationMs: 12.4 },
  { check: 'stream', outcome: 'fail', detail: '<"a" & \u0007b>', durationMs: 1500 },
  { check: 'prefill', outcome: 'skip', detail: 'no prefill worker', durationMs: 0 },
];

test('a line for each check and the sum', () => {
  expect(formatText(RESULTS)).toBe(
    [
      '✔ chat        12 ms  8 characters',
      '✘ stream    1500 ms  <"a" & \u0007b>',
      '- prefill      0 ms  no prefill worker',
      '1 passed, 1 failed, 1 skipped',
      '',
    ].join('\n'),
  );
});

test('JUnit names what failed, escaped, without characters that XML forbids', () => {
  expect(formatJunit('p', RESULTS)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" skipped="1" time="1.512">
  <testsuite name="p" tests="3" failures="1" errors="0" skipped="1" time="1.512">
    <testcase classname="p" name="chat" time="0.012"/>
    <testcase classname="p" name="stream" time="1.500">
      <failure message="&#60;&#34;a&#34; &#38; b&#62;"/>
    </testcase>
    <testcase classname="p" name="prefill" time="0.000">
      <skipped message="no prefill worker"/>
    </testcase>
  </testsuite>
</testsuites>
`);
});
