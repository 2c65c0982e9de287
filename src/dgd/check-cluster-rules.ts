import type { Diagnostic } from '../model/diagnostic.ts';
import type { GraphComponent } from '../model/graph.ts';
import type { MapNode } from '../model/node.ts';
import type { CheckFieldsOptions } from './check-fields.ts';
import { CLUSTER_RULES } from './cluster-rules.ts';
import { placeOf } from './place.ts';

/**
 * What the cluster would refuse although every field is right: errors when strict, else notices, since nothing here depends on it.
 * Messages are those of the API server.
 */
export function checkClusterRules(
  spec: MapNode,
  components: readonly GraphComponent[],
  options: CheckFieldsOptions,
): readonly Diagnostic[] {
  const { apiVersion, generation, strict } = options;
  const pathOf = (component: GraphComponent): string =>
    apiVersion === 'v1alpha1' ? `spec.services.${component.name}` : `spec.components[${components.indexOf(component)}]`;
  return CLUSTER_RULES.filter(
    (rule) => rule.apiVersions.includes(apiVersion) && rule.generations.includes(generation),
  ).flatMap(({ code, check }) =>
    check({ spec, components, pathOf }).map(({ path, detail, origin }): Diagnostic => {
      const message = `${path}: Invalid value: ${detail}`;
      if (strict) return { severity: 'error', code, message, ...placeOf(origin) };
      const hint = `operator ${generation} would refuse it`;
      return { severity: 'notice', code, message, ...placeOf(origin), hint };
    }),
  );
}
