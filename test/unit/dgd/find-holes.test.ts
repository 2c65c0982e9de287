import { describe, expect, test } from 'vitest';
import { explainTemplate } from '../../../src/dgd/explain-template.ts';
import { parseDocuments } from '../../../src/source/parse-documents.ts';
import { alpha, beta, decode, problemsOf } from './decode.ts';

describe('holes that are errors', () => {
  test.each([
    ['an argument', beta('command: [python3]', 'args: [--model, "${MODEL}"]'), 'TEMPLATE_HOLE'],
    ['part of an argument', beta('command: [python3]', 'args: ["--model=a/${MODEL}"]'), 'TEMPLATE_HOLE'],
    ['an argument for a person', beta('command: [python3]', 'args: [--model, <your-model>]'), 'TEMPLATE_HOLE'],
    ['a whole variable', beta('env: [{name: A, value: "${A}"}]'), 'TEMPLATE_HOLE'],
    ['a number', alpha('replicas: ${REPLICAS}'), 'TEMPLATE_HOLE'],
    ['a map that only a cluster reads', alpha('extraPodSpec: {nodeSelector: "${SELECTOR}"}'), 'TEMPLATE_HOLE'],
    [
      'a claim',
      `${beta()}\n          volumes: [{name: v, persistentVolumeClaim: {claimName: "\${CLAIM}"}}]`,
      'TEMPLATE_HOLE',
    ],
    ['the name', beta().replace('{name: g}', '{name: "${NAME}"}'), 'TEMPLATE_HOLE'],
    ['an argument of a chart', beta('command: [python3]', 'args: ["{{ .Values.model }}"]'), 'HELM_TEMPLATE'],
  ])('%s is one problem', (_, text, code) => {
    expect(decode(text).diagnostics).toMatchObject([{ severity: 'error', code, at: { file: 'a.yaml' } }]);
  });
});

describe('holes that are warnings', () => {
  test.each(['${IMAGE}', '<your-registry>/x:1.0.0', 'x:<IMAGE_TAG>', '"{{ .Values.image }}"'])(
    'the image %s',
    (image) => {
      const { graph, diagnostics } = decode(beta().replace('x:1.0.0', image));
      expect(graph?.name).toBe('g');
      expect(diagnostics).toMatchObject([
        { severity: 'warning', code: 'IMAGE_HOLE', at: { line: 12 }, hint: '--image decode=REF replaces it' },
      ]);
    },
  );

  test('a namespace, which is then not written', () => {
    const { graph, diagnostics } = decode(beta().replace('name: g', 'name: g, namespace: <your-namespace>'));
    expect(graph?.namespace).toBe(undefined);
    expect(diagnostics.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['warning NAMESPACE_HOLE']);
  });

  test('part of a variable, which a script may read', () => {
    expect(problemsOf(beta('env: [{name: A, value: "--port ${PORT}"}]'))).toEqual(['warning TEMPLATE_HOLE 13:38']);
    const template = 'args: [--chat-template, "Say ${CONTENT} in words"]';
    expect(problemsOf(beta('command: [python3]', template))).toEqual(['warning TEMPLATE_HOLE 14:39']);
  });
});

describe('no holes', () => {
  test.each([
    ['placeholders that are good names', beta().replace('x:1.0.0', 'my-registry/vllm-runtime:my-tag')],
    ['a shell script in args', beta('command: [/bin/sh, -c]', 'args: ["python3 --model ${MODEL}"]')],
    ['a shell script in command', beta('command: [/bin/bash, -lc, "echo ${A}"]')],
    ['a shell found by env', beta('command: [/usr/bin/env, bash, -c, "echo ${A}"]')],
    ['args without a command, for which the operator takes a shell', beta('args: ["echo ${A}"]')],
    ['a probe in a shell', beta('livenessProbe: {exec: {command: [sh, -c, "test ${A}"]}}')],
    ['what Kubernetes expands', beta('command: [python3]', 'args: ["$(MODEL)", "$$(X)"]')],
    ['a token of a model', beta('command: [python3]', 'args: [--image-token, <image>]')],
    ['a chat template', beta('command: [python3]', 'args: ["{{ messages[0] }}"]')],
    ['JSON', beta('command: [python3]', `args: ['{"a":{"b":{}}}']`)],
    ['what only a cluster reads', alpha('extraPodSpec: {tolerations: [{key: "${KEY}"}], schedulerName: "${S}"}')],
    ['annotations', alpha('annotations: {a: "${B}"}')],
  ])('%s', (_, text) => {
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('templates that are no YAML', () => {
  const explain = (text: string): string[] =>
    explainTemplate('a.yaml', text, parseDocuments('a.yaml', text).diagnostics).map(
      ({ code, at }) => `${code} ${at?.line}:${at?.col}`,
    );

  test('are explained by the block that is missing', () => {
    expect(explain('spec:\n  services:\n    a:\n      replicas: 1\n${ENV_BLOCK}\n      b: 1\n')).toEqual([
      'TEMPLATE_HOLE 5:1',
    ]);
  });

  test('are explained by the chart that they belong to', () => {
    const text = 'metadata:\n  name: {{ .Release.Name }}\n{{- if .Values.x }}\nspec: {}\n{{- end }}\n';
    expect(explain(text)).toEqual(['HELM_TEMPLATE 2:9', 'HELM_TEMPLATE 3:1', 'HELM_TEMPLATE 5:1']);
  });

  test('are not blamed for errors elsewhere', () => {
    const text = 'a: |\n  python3 --model ${MODEL}\n  x\nb: c\nd: e: f\n';
    expect(explain(text)).toEqual(['YAML_SYNTAX 5:4']);
  });

  test('are not seen where the YAML is well-formed', () => {
    expect(explain('a: |\n  ${X}\n')).toEqual([]);
  });
});
