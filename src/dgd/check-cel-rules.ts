import type { Diagnostic } from '../model/diagnostic.ts';
import type { GraphComponent } from '../model/graph.ts';
import type { MapNode } from '../model/node.ts';
import type { CelRule } from './cel-rule.ts';
import { COMMON_RULES } from './cel-rules-common.ts';
import { V1ALPHA1_RULES } from './cel-rules-v1alpha1.ts';
import { V1BETA1_RULES } from './cel-rules-v1beta1.ts';
import type { CheckFieldsOptions } from './check-fields.ts';
import { placeOf } from './place.ts';

/** Every rule that a create is held to, of every CRD that is known. */
export const CEL_RULES: readonly CelRule[] = [...COMMON_RULES, ...V1ALPHA1_RULES, ...V1BETA1_RULES];

/**
 * What the CRD's rules would refuse although every field is right: errors when strict, else notices, since nothing here depends on it.
 * Messages are those of the API server.
 */
export function checkCelRules(
  spec: MapNode,
  components: readonly GraphComponent[],
  options: CheckFieldsOptions,
): readonly Diagnostic[] {
  const { apiVersion, generation, strict } = options;
  const pathOf = (component: GraphComponent): string =>
    apiVersion === 'v1alpha1'
      ? `spec.services[${component.name}]`
      : `spec.components[${components.indexOf(component)}]`;
  return CEL_RULES.filter(
    (rule) => rule.apiVersions.includes(apiVersion) && rule.generations.includes(generation),
  ).flatMap(({ code, check }) =>
    check({ spec, components, pathOf }).map(({ path, detail, origin, value = '"object"' }): Diagnostic => {
      const message = `${path}: Invalid value: ${value}: ${detail}`;
      if (strict) return { severity: 'error', code, message, field: path, ...placeOf(origin) };
      const hint = `operator ${generation} would refuse it`;
      return { severity: 'notice', code, message, field: path, ...placeOf(origin), hint };
    }),
  );
}
