/**
 * Reads vitest's JSON report, prints one closing line, and fails when a test failed or when a Docker test was skipped.
 * Usage: summarize-tests.mjs REPORT
 */
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const skipped = report.testResults.flatMap(({ name, assertionResults }) =>
  assertionResults
    .filter(({ status }) => status === 'pending' || status === 'skipped' || status === 'todo')
    .map(({ fullName }) => ({ name, fullName })),
);
const skippedDocker = skipped.filter(({ name }) => name.includes('/test/docker/'));
for (const { fullName } of skippedDocker) console.error(`skipped although it needs Docker: ${fullName}`);
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped.length} skipped`);
process.exitCode = report.success && skippedDocker.length === 0 ? 0 : 1;
