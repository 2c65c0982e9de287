import { testConformance } from '../support/conformance.ts';
import { startTestProject } from './support/test-project.ts';

testConformance(async () => {
  const project = await startTestProject();
  return {
    name: project.name,
    runtime: project.runtime,
    container: (component, command, { labels: _, ...fields } = {}) => project.container(component, command, fields),
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
});
