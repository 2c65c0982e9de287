import type { Diagnostic } from '../model/diagnostic.ts';
import { findTemplateHole } from './find-holes.ts';

/** How far from a hole a parser may stumble over it. */
const NEAR_LINES = 1;

/**
 * Templates are mostly no YAML before they are rendered. Where syntax errors stand at holes, the holes are said in their place, since the
 * rest follows from them; other problems are returned as they are.
 */
export function explainTemplate(file: string, text: string, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const broken = diagnostics.filter(({ code }) => code === 'YAML_SYNTAX' || code === 'YAML_KEY');
  if (broken.length === 0) return diagnostics;
  const lines = text.split('\n');
  const holes = lines.flatMap((line, index): Diagnostic[] => {
    const hole = line.trimStart().startsWith('#') ? undefined : findTemplateHole(line);
    if (!hole) return [];
    // A line that is nothing but a hole stands for a block; others count where the parser stumbled.
    const atError = broken.some(({ at }) => at !== undefined && Math.abs(at.line - index - 1) <= NEAR_LINES);
    if (hole.code === 'TEMPLATE_HOLE' && !(hole.text === line.trim() || atError)) return [];
    const at = { file, line: index + 1, col: line.indexOf(hole.text) + 1 };
    return [{ severity: 'error', code: hole.code, message: `has the template hole ${hole.text}`, at, hint: hole.hint }];
  });
  return holes.length === 0
    ? diagnostics
    : [...holes, ...diagnostics.filter((diagnostic) => !broken.includes(diagnostic))];
}
