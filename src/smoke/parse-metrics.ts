export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const LABEL = /\s*([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"\s*,?/y;
const SPECIAL: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN };

/**
 * Reads the text format of Prometheus (0.0.4). Undefined when a line is neither a sample, a comment nor empty, which is what an error
 * page or a cut answer looks like.
 */
export function parseMetrics(text: string): readonly Sample[] | undefined {
  const samples: Sample[] = [];
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labelText = '', valueText = ''] = LINE.exec(line) ?? [];
    const labels = parseLabels(labelText);
    const value = SPECIAL[valueText] ?? Number(valueText);
    if (name === undefined || labels === undefined) return undefined;
    if (Number.isNaN(value) && valueText !== 'NaN') return undefined;
    samples.push({ name, labels, value });
  }
  return samples;
}

function parseLabels(text: string): Readonly<Record<string, string>> | undefined {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  while (end < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) return undefined;
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    end = LABEL.lastIndex;
  }
  return labels;
}

/** Requests that a worker's generate endpoint has had: the one counter that every runtime version moves (facts/versions.md §5). */
export function countRequests(samples: readonly Sample[]): number {
  return samples
    .filter(
      ({ name, labels }) => name === 'dynamo_component_requests_total' && labels.dynamo_endpoint !== 'clear_kv_blocks',
    )
    .reduce((sum, { value }) => sum + value, 0);
}
