import { testConformance } from '../support/conformance.ts';
import { startProcessProject } from './support/process-project.ts';

testConformance(startProcessProject);
