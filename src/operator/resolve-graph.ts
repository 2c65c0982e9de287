import type { Diagnostic } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import type { ResolvedComponent, ResolvedGraph } from '../model/resolved-graph.ts';
import { readClaims } from './claims.ts';
import { admitObject } from './crd-defaults.ts';
import { GENERATIONS } from './generation.ts';
import { withGpuClaims } from './gpu-claims.ts';
import { type GraphContext, reportFinding } from './graph-context.ts';
import { resolveV1alpha1 } from './resolve-v1alpha1.ts';
import { resolveV1beta1 } from './resolve-v1beta1.ts';
import { sharedDocuments } from './shared-documents.ts';

export interface ResolveOptions {
  readonly generation: OperatorGeneration;
  /** The one provider that is mirrored: Deployments without Grove. */
  readonly provider?: 'component';
}

/**
 * What the operator of one generation makes of a graph, with the defaults of its platform chart: pods, Deployments, Services and
 * claims, each value with its origin. What a cluster would refuse or fail at is said in `diagnostics` and resolved as far as it
 * makes sense; only a graph in an API version that the generation does not know has no components.
 */
export function resolveGraph(graph: Graph, options: ResolveOptions): ResolvedGraph {
  const { generation } = options;
  const diagnostics: Diagnostic[] = [];
  const admitted: Graph = {
    ...graph,
    metadata: admitObject(graph.metadata, generation),
    spec: admitObject(graph.spec, generation),
    components: graph.components.map((component) => ({
      ...component,
      written: admitObject(component.written, generation),
    })),
  };
  const context: GraphContext = {
    graph: admitted,
    generation,
    kubernetesNamespace: graph.namespace ?? 'default',
    report: (diagnostic) => diagnostics.push(diagnostic),
  };
  const components = resolveComponents(context);
  const shared = sharedDocuments(context, components);
  return {
    name: graph.name,
    generation,
    kubernetesNamespace: context.kubernetesNamespace,
    components: components.map((component) => withGpuClaims(component, shared, graph.companions.claimTemplates)),
    companions: graph.companions,
    claims: readClaims(context),
    shared,
    diagnostics,
  };
}

function resolveComponents(context: GraphContext): readonly ResolvedComponent[] {
  const { graph, generation } = context;
  if (!GENERATIONS[generation].apiVersions.includes(graph.apiVersion)) {
    reportFinding(context, {
      severity: 'error',
      code: 'API_VERSION_UNKNOWN',
      message: `operator ${generation} does not know ${graph.apiVersion}`,
      origin: graph.origin,
      hint: 'choose a newer one with --operator-version',
    });
    return [];
  }
  return generation === '1.5' ? resolveV1beta1(context) : resolveV1alpha1(context, generation);
}
