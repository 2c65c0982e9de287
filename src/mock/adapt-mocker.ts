import { itemsAt, list, type MapNode, type Node, scalar, stringAt, stringsAt, withField } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import type { RuntimeFacts } from '../model/runtime-facts.ts';
import { roleFlags } from './mocker-flags.ts';

/**
 * A pod that runs `python3 -m dynamo.mocker` with the role flag of 1.x, rewritten for a runtime that spells it otherwise; every other
 * pod unchanged. The namespace is taken from the container's own environment.
 */
export function adaptMocker(
  podTemplate: MapNode,
  runtime: RuntimeFacts,
): { readonly podTemplate: MapNode; readonly notice?: string } {
  if (runtime.mockerRoleFlags === 'mode') return { podTemplate };
  const spec = podTemplate.fields.get('spec');
  if (spec?.kind !== 'map') return { podTemplate };
  let notice: string | undefined;
  const containers = itemsAt(spec, 'containers').map((container): Node => {
    const args = stringsAt(container, 'args') ?? [];
    const command = stringsAt(container, 'command') ?? [];
    const at = args.indexOf('--disaggregation-mode');
    const mode = args[at + 1];
    if (container.kind !== 'map' || at === -1 || mode === undefined || ![...command, ...args].includes('dynamo.mocker'))
      return container;
    const namespace =
      stringAt(
        itemsAt(container, 'env').findLast((item) => stringAt(item, 'name') === 'DYN_NAMESPACE'),
        'value',
      ) ?? 'dynamo';
    const flags = roleFlags(mode, runtime, namespace);
    notice = `--disaggregation-mode ${mode} is written ${flags.join(' ')} for runtime ${runtime.version}`;
    const origin: Origin = { kind: 'runtime', version: runtime.version, source: 'mock/adapt-mocker.ts' };
    const written = itemsAt(container, 'args');
    const adapted = written.toSpliced(at, 2, ...flags.map((flag) => scalar(flag, origin)));
    return withField(container, 'args', list(adapted, container.fields.get('args')?.origin ?? origin));
  });
  if (notice === undefined) return { podTemplate };
  return {
    podTemplate: withField(podTemplate, 'spec', withField(spec, 'containers', list(containers, spec.origin))),
    notice,
  };
}
