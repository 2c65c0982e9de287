import { expect, test } from 'vitest';
import { canonicalQuantity } from '../../../src/operator/canonical-quantity.ts';

test.each([
  ['1', '1'],
  ['1000', '1k'],
  ['1500', '1500'],
  ['0.5', '500m'],
  ['1.5', '1500m'],
  ['1000m', '1'],
  ['1024Mi', '1Gi'],
  ['1536Mi', '1536Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['80Gi', '80Gi'],
  ['512Ki', '512Ki'],
  ['1024', '1024'],
  ['0', '0'],
  ['0Gi', '0'],
  ['1e3', '1e3'],
  ['1e6', '1e6'],
  ['2G', '2G'],
  ['2000M', '2G'],
  ['-1', '-1'],
  ['many', 'many'],
])('%s is written back as %s', (written, canonical) => {
  expect(canonicalQuantity(written)).toBe(canonical);
});
