import { type ComponentContext, type ComponentDefaults, commonDefaults } from './component-common.ts';
import { eppDefaults } from './component-epp.ts';
import { frontendDefaults } from './component-frontend.ts';
import { plannerDefaults } from './component-planner.ts';
import { workerDefaults } from './component-worker.ts';
import { isWorkerType } from './generation.ts';

/**
 * The defaults of a component's type. Types are compared as written: `Frontend`, `main`, `router` and none at all get the common
 * set alone (component_common.go:29 ComponentDefaultsFactory).
 */
export function componentDefaults(context: ComponentContext): ComponentDefaults {
  if (isWorkerType(context.type, context.generation)) return workerDefaults(context);
  if (context.type === 'frontend') return frontendDefaults(context);
  if (context.type === 'planner') return plannerDefaults(context);
  // The endpoint picker came with 1.0.
  const knowsEpp = context.generation === '1.1' || context.generation === '1.5';
  return context.type === 'epp' && knowsEpp ? eppDefaults(context) : commonDefaults(context);
}
