import { expect, test } from 'vitest';
import { countRequests, parseMetrics } from '../../../src/smoke/parse-metrics.ts';

const PAGE = `# HELP dynamo_component_requests_total Requests
# TYPE dynamo_component_requests_total counter
dynamo_component_requests_total{dynamo_component="backend",dynamo_endpoint="generate",path="a\\"b,c"} 12
dynamo_component_requests_total{dynamo_component="backend",dynamo_endpoint="clear_kv_blocks"} 1
process_start_time_seconds 1.7e9 1700000000
latency_bucket{le="+Inf"} +Inf

`;

test('samples with labels, times and special values', () => {
  const samples = parseMetrics(PAGE);
  expect(samples?.map(({ value }) => value)).toEqual([12, 1, 1.7e9, Number.POSITIVE_INFINITY]);
  expect(samples?.[0]?.labels).toEqual({ dynamo_component: 'backend', dynamo_endpoint: 'generate', path: 'a"b,c' });
  expect(countRequests(samples ?? [])).toBe(12);
});

test.each([['<html>Not found</html>'], ['metric{a="b} 1'], ['metric abc'], ['metric{a=b} 1']])(
  '%s is no page of metrics',
  (page) => {
    expect(parseMetrics(page)).toBeUndefined();
  },
);
