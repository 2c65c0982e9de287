import { expect, test } from 'vitest';
import { formatDiagnostic } from '../../../src/model/diagnostic.ts';

test('what a file holds moves no cursor and looks like no line of ours', () => {
  const message = '\u001b]0;owned\u0007\u001b[31mred\nerror FAKE: line\u009b1m, and naïve – text';
  const text = formatDiagnostic({ severity: 'warning', code: 'X', message, at: { file: 'a.sh', line: 1, col: 2 } });
  expect(text).toBe(
    'a.sh:1:2 warning X: \\u001b]0;owned\\u0007\\u001b[31mred\\nerror FAKE: line\\u009b1m, and naïve – text',
  );
});
