import type { Json } from '../model/node.ts';
import type { OperatorGeneration } from '../model/origin.ts';
import {
  type ComponentContext,
  type ComponentDefaults,
  commonDefaults,
  extendDefaults,
  operatorEnv,
  operatorMap,
} from './component-common.ts';
import { systemProbes } from './component-worker.ts';

/** Metrics came with 0.6, the system server with 1.0 (facts/operator.md §2.4, goldens). */
const SERVES: Readonly<Record<OperatorGeneration, { readonly metrics: boolean; readonly system: boolean }>> = {
  '0.4': { metrics: false, system: false },
  '0.6': { metrics: true, system: false },
  '1.1': { metrics: true, system: true },
  '1.5': { metrics: true, system: true },
};

const SOURCE = 'component_planner.go:25';

/** The planner: its metrics and system ports, and the service account that may scale the graph. */
export function plannerDefaults(context: ComponentContext): ComponentDefaults {
  const podSpec = operatorMap(context, SOURCE, { serviceAccountName: 'planner-serviceaccount' });
  const { metrics, system } = SERVES[context.generation];
  const ports: Json[] = [];
  if (metrics) ports.push({ protocol: 'TCP', name: 'metrics', containerPort: 9085 });
  if (system) ports.push({ protocol: 'TCP', name: 'system', containerPort: 9090 });
  const container = operatorMap(context, SOURCE, {
    ...(ports.length > 0 ? { ports } : {}),
    ...(system ? systemProbes([4, 1], [4, 3], 720) : {}),
  });
  const env = operatorEnv(context, SOURCE, [
    ...(metrics ? [['PLANNER_PROMETHEUS_PORT', '9085'] as const] : []),
    ...(system ? [['DYN_SYSTEM_PORT', '9090'] as const] : []),
  ]);
  return extendDefaults(commonDefaults(context), { container, env, podSpec });
}
