import { createHash } from 'node:crypto';
import type { OperatorGeneration } from '../model/origin.ts';
import { WORKER_HASH } from '../model/resolved-graph.ts';
import { GENERATIONS, isWorkerType } from './generation.ts';

/** `<graph>-<lower-case component>`, and the worker hash behind it for workers of 1.1 and 1.5 [150 graph.go:745, 041 graph.go:311]. */
export function deploymentName(graph: string, component: string, type: string, generation: OperatorGeneration): string {
  const base = `${graph}-${component.toLowerCase()}`;
  return GENERATIONS[generation].hashesWorkers && isWorkerType(type, generation) ? `${base}-${WORKER_HASH}` : base;
}

/** Service names are DNS labels: dots become dashes; 1.5 also lowers the case [150 graph.go NormalizeKubeResourceName]. */
export function serviceName(name: string, generation: OperatorGeneration): string {
  const [head, tail] = name.endsWith(`-${WORKER_HASH}`)
    ? [name.slice(0, -WORKER_HASH.length), WORKER_HASH]
    : [name, ''];
  const dashed = head.replaceAll('.', '-');
  return `${generation === '1.5' ? dashed.toLowerCase() : dashed}${tail}`;
}

/** First eight hex digits of the model's SHA-256: `nvidia.com/dynamo-base-model-hash` [150 model_service.go:190]. */
export function baseModelHash(model: string): string {
  return createHash('sha256').update(model).digest('hex').slice(0, 8);
}

/** The service account that may read the Kubernetes discovery objects [150 internal/discovery/resource.go:27]. */
export function discoveryServiceAccount(graph: string): string {
  return `${graph}-k8s-service-discovery`;
}

/** Template of the claim that the containers of a GPU memory service share [102 internal/dra]. */
export function gpuClaimTemplate(graph: string, component: string): string {
  return `${graph}-${component.toLowerCase()}-gpu`;
}
