import { expect, test } from 'vitest';
import { mapAt } from '../../../src/model/node.ts';
import type { ResolvedComponent } from '../../../src/model/resolved-graph.ts';
import { readPodContainers } from '../../../src/plan/local-pod.ts';
import { readServingFacts } from '../../../src/plan/replica-facts.ts';
import { alphaText, onlyComponent, resolveText } from '../operator/resolve-text.ts';

function worker(fields: string, args: readonly string[], module = 'dynamo.vllm'): ResolvedComponent {
  const text = `${fields}      extraPodSpec:
        mainContainer:
          image: x:1
          command: [python3, -m, ${module}]
          args: ${JSON.stringify(args)}
`;
  return onlyComponent(resolveText(alphaText(text), '1.1'));
}

function facts(component: ResolvedComponent, env: Readonly<Record<string, string>> = {}, frontend = false) {
  const spec = mapAt(component.podTemplate, 'spec');
  const main = spec && readPodContainers(spec).main;
  if (!main) throw new Error('no container');
  const entries = Object.entries(env).map(([name, value]) => ({ name, value }));
  return readServingFacts(component, main, entries, frontend);
}

test.each([
  ['its sub-type', '      componentType: worker\n      subComponentType: prefill\n', [], 'prefill'],
  ['the mode flag', '      componentType: worker\n', ['--model', 'm', '--disaggregation-mode', 'prefill'], 'prefill'],
  ['the flag of 0.6', '      componentType: worker\n', ['--is-decode-worker'], 'decode'],
  [
    'a mode that is whole',
    '      componentType: worker\n',
    ['--disaggregation-mode', 'prefill_and_decode'],
    'aggregated',
  ],
  [
    'a strategy of TensorRT-LLM',
    '      componentType: worker\n',
    ['--disaggregation-strategy', 'decode_first'],
    'aggregated',
  ],
  ['nothing', '      componentType: worker\n', ['--model', 'm'], 'aggregated'],
])('the role of a worker is told by %s', (_, fields, args, role) => {
  expect(facts(worker(fields, args)).workerRole).toBe(role);
});

test('the system port is the one of the environment, and none where it is off', () => {
  const component = worker('      componentType: worker\n', []);
  expect(facts(component, { DYN_SYSTEM_PORT: '9090' }).systemPort).toBe(9090);
  expect(facts(component, { DYN_SYSTEM_PORT: '-1' }).systemPort).toBeUndefined();
  expect(facts(component).systemPort).toBeUndefined();
});

test('a worker registers one instance, a mocker of several workers as many, in the namespace of its environment', () => {
  const component = worker('      componentType: worker\n', ['--num-workers', '3'], 'dynamo.mocker');
  expect(facts(component, { DYN_NAMESPACE: 'default-g' })).toMatchObject({ instances: 3, namespace: 'default-g' });
  expect(facts(worker('      componentType: worker\n', []))).toMatchObject({ instances: 1 });
});

test('a frontend tells which namespaces it watches', () => {
  const frontend = worker('      componentType: frontend\n', [], 'dynamo.frontend');
  expect(facts(frontend, { DYN_NAMESPACE: 'a', DYN_NAMESPACE_PREFIX: 'a' }, true)).toEqual({
    routerMode: 'round-robin',
    namespace: 'a',
    namespacePrefix: 'a',
  });
});

test('what serves no model has no role', () => {
  expect(facts(worker('      componentType: planner\n', [], 'dynamo.planner'), { DYN_SYSTEM_PORT: '9090' })).toEqual(
    {},
  );
});

test('a frontend tells how it routes: flag, environment, else round-robin', () => {
  const flagged = worker('      componentType: frontend\n', ['--router-mode', 'random'], 'dynamo.frontend');
  expect(facts(flagged, { DYN_ROUTER_MODE: 'kv' }, true)).toEqual({ routerMode: 'random' });
  const plain = worker('      componentType: frontend\n', [], 'dynamo.frontend');
  expect(facts(plain, { DYN_ROUTER_MODE: 'kv' }, true)).toEqual({ routerMode: 'kv' });
  expect(facts(plain, {}, true)).toEqual({ routerMode: 'round-robin' });
});
