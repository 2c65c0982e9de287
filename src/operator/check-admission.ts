import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { AdmissionFinding } from './admission-finding.ts';
import { convertService, convertSpec } from './conversion-v1alpha1.ts';
import { admitObject } from './crd-defaults.ts';
import { computedNamespace } from './dynamo-namespace.ts';
import { compareText } from './edit-node.ts';
import { checkLegacyGraph, type LegacyService } from './webhook-legacy-v1alpha1.ts';
import { checkGraphV1alpha1 } from './webhook-v1alpha1.ts';
import { checkGraphV1beta1 } from './webhook-v1beta1.ts';

function legacyServices(graph: Graph, kubernetesNamespace: string): readonly LegacyService[] {
  return graph.components.map(({ name, written }) => ({
    name,
    written,
    dynamoNamespace: computedNamespace({ graph, kubernetesNamespace }, written),
  }));
}

function checkConverted(graph: Graph): readonly AdmissionFinding[] {
  const components = graph.components
    .map(({ name, written }) => ({ name, written: convertService(name, written, '1.5').written, at: written }))
    .toSorted((a, b) => compareText(a.name, b.name));
  const spec = convertSpec(graph.spec);
  return checkGraphV1beta1({ graphName: graph.name, metadata: graph.metadata, spec, components, alpha: true });
}

/**
 * What the validating webhook of a generation says of a create in a cluster without Grove: errors refuse it, warnings come with a yes,
 * or tell what clusters that are set up otherwise refuse. 0.4 and 0.6 have no webhook.
 */
export function checkAdmission(graph: Graph, generation: OperatorGeneration): readonly Diagnostic[] {
  if (generation === '0.4' || generation === '0.6') return [];
  const admitted: Graph = {
    ...graph,
    metadata: admitObject(graph.metadata, generation),
    spec: admitObject(graph.spec, generation),
    components: graph.components.map((component) => ({
      ...component,
      written: admitObject(component.written, generation),
    })),
  };
  const kubernetesNamespace = graph.namespace ?? 'default';
  if (generation === '1.1') return checkGraphV1alpha1(admitted, legacyServices(admitted, kubernetesNamespace));
  if (graph.apiVersion === 'nvidia.com/v1alpha1') {
    return [
      ...checkConverted(admitted),
      ...checkLegacyGraph(admitted.spec, legacyServices(admitted, kubernetesNamespace)),
    ];
  }
  const components = admitted.components.map(({ name, written }) => ({ name, written, at: written }));
  const { name: graphName, metadata, spec } = admitted;
  return checkGraphV1beta1({ graphName, metadata, spec, components, alpha: false });
}
