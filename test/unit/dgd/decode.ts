import { type Decoded, type DecodeOptions, decodeGraph } from '../../../src/dgd/decode-graph.ts';
import { parseDocuments } from '../../../src/source/parse-documents.ts';

/** Decodes a text that is well-formed YAML, as operator 1.5 unless said otherwise, leniently. */
export function decode(text: string, options: Partial<DecodeOptions> & { readonly name?: string } = {}): Decoded {
  const { documents, diagnostics } = parseDocuments('a.yaml', text);
  const decoded = decodeGraph(documents, { generation: '1.5', strict: false, ...options });
  return { ...decoded, diagnostics: [...diagnostics, ...decoded.diagnostics] };
}

/** `SEVERITY CODE LINE:COL` of each diagnostic. */
export function problemsOf(text: string, options: Parameters<typeof decode>[1] = {}): string[] {
  return decode(text, options).diagnostics.map(
    ({ severity, code, at }) => `${severity} ${code} ${at?.line}:${at?.col}`,
  );
}

/** A v1alpha1 graph with one worker; `lines` are fields of the worker, unindented. */
export function alpha(...lines: string[]): string {
  return [
    'apiVersion: nvidia.com/v1alpha1',
    'kind: DynamoGraphDeployment',
    'metadata: {name: g}',
    'spec:',
    '  services:',
    '    decode:',
    '      componentType: worker',
    ...lines.map((line) => `      ${line}`),
  ].join('\n');
}

/** A v1beta1 graph with one worker; `lines` are fields of its main container, unindented. */
export function beta(...lines: string[]): string {
  return [
    'apiVersion: nvidia.com/v1beta1',
    'kind: DynamoGraphDeployment',
    'metadata: {name: g}',
    'spec:',
    '  components:',
    '    - name: decode',
    '      type: worker',
    '      podTemplate:',
    '        spec:',
    '          containers:',
    '            - name: main',
    '              image: x:1.0.0',
    ...lines.map((line) => `              ${line}`),
  ].join('\n');
}
