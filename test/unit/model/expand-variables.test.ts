import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expandVariables } from '../../../src/model/expand-variables.ts';

const lookup = (name: string) => ({ A: '1', EMPTY: '', NESTED: '$(A)' })[name];

test.each([
  ['$(A)', '1'],
  ['x$(A)y$(A)', 'x1y1'],
  ['$(EMPTY)', ''],
  ['$(UNKNOWN)', '$(UNKNOWN)'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$1'],
  ['$A ${A}', '$A ${A}'],
  ['$(A', '$(A'],
  ['$', '$'],
  ['$$', '$'],
  // A value is not expanded again.
  ['$(NESTED)', '$(A)'],
])('%s becomes %s', (text, expected) => {
  expect(expandVariables(text, lookup)).toBe(expected);
});

test('text without a dollar stays as it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('$'));
      expect(expandVariables(text, lookup)).toBe(text);
    }),
  );
});
