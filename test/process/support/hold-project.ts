/** Run as a process of its own: `hold-project ROOT PROJECT NAME` holds the project, starts a container of it, says so, and stays. */
import { makeRuntime } from './process-project.ts';

const [root = '', project = '', name = ''] = process.argv.slice(2);
const runtime = makeRuntime(root);
const never = new AbortController().signal;
await runtime.hold(project, never);
await runtime.startContainer(name, never);
process.stdout.write('held\n');
setInterval(() => undefined, 1000);
