import { UserError } from '../model/diagnostic.ts';
import { OPERATOR_GENERATIONS, type OperatorGeneration } from '../model/origin.ts';

/** `--operator-version`, else the newest generation, which knows both API versions. */
export function operatorGeneration(flag: string | undefined): OperatorGeneration {
  if (flag === undefined) return '1.5';
  const found = OPERATOR_GENERATIONS.find((generation) => flag === generation || flag.startsWith(`${generation}.`));
  if (found) return found;
  throw new UserError('INVALID_FLAG', `--operator-version: "${flag}" is not known`, {
    hint: `choose one of ${OPERATOR_GENERATIONS.join(', ')}`,
  });
}
