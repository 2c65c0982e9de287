import {
  fromJson,
  type Json,
  type MapNode,
  map,
  mapAt,
  type Node,
  numberAt,
  stringAt,
  withField,
} from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { nameOf } from './edit-node.ts';
import { writeGoJson } from './go-json.ts';

const VARIABLE = 'DYN_DEPLOYMENT_CONFIG';
const PORT = 8000;

/** What `DYN_DEPLOYMENT_CONFIG` says about one component. */
export interface DeploymentConfig {
  /** The environment, with the frontend's port written into the configuration. */
  readonly env: readonly Node[];
  readonly workers: number | undefined;
  /** Requests and limits alike. */
  readonly resources: MapNode | undefined;
  readonly problem: string | undefined;
}

function isObject(json: unknown): json is { readonly [key: string]: Json } {
  return json !== null && typeof json === 'object' && !Array.isArray(json);
}

/**
 * Reads the JSON `{"<component>": {"ServiceArgs": {"workers", "resources"}}}` that a component's environment may carry; for a
 * frontend it also sets `port` [041 graph.go:207-285, 102 graph.go:392-470, 150 graph.go:592-716].
 */
export function readDeploymentConfig(
  env: readonly Node[],
  component: string,
  frontend: boolean,
  origin: Origin,
): DeploymentConfig {
  const none: DeploymentConfig = { env, workers: undefined, resources: undefined, problem: undefined };
  const index = env.findIndex((variable) => nameOf(variable) === VARIABLE);
  const variable = env[index];
  const text = stringAt(variable, 'value');
  if (variable?.kind !== 'map' || text === undefined) return none;
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    return { ...none, problem: `${VARIABLE} is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isObject(config)) return { ...none, problem: `${VARIABLE} is no JSON object` };
  const key = config[component] !== undefined ? component : frontend ? frontendKey(config) : undefined;
  const own = key === undefined ? undefined : config[key];
  if (key === undefined || !isObject(own)) return none;
  const written = frontend
    ? env.with(
        index,
        withField(variable, 'value', fromJson(writeGoJson({ ...config, [key]: { ...own, port: PORT } }), origin)),
      )
    : env;
  const service = mapAt(fromJson(own, variable.origin), 'ServiceArgs');
  return {
    env: written,
    workers: numberAt(service, 'workers'),
    resources: bothSides(mapAt(service, 'resources')),
    problem: undefined,
  };
}

function frontendKey(config: { readonly [key: string]: Json }): string | undefined {
  return Object.keys(config).find((name) => name.toLowerCase() === 'frontend');
}

function bothSides(resources: MapNode | undefined): MapNode | undefined {
  if (!resources) return undefined;
  const quantities = [...resources.fields].flatMap(([name, node]): (readonly [string, Node])[] => {
    if (name === 'cpu' || name === 'memory') return [[name, node]];
    if (name === 'gpu') return [['nvidia.com/gpu', node]];
    return name === 'custom' && node.kind === 'map' ? [...node.fields] : [];
  });
  const side = map(quantities, resources.origin);
  return map(
    [
      ['requests', side],
      ['limits', side],
    ],
    resources.origin,
  );
}
