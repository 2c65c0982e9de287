import { request } from 'node:http';
import { membershipFilter } from '../../model/labels.ts';
import type { EngineAddress } from './connect-engine.ts';

/** An engine of this machine that takes longer is as good as none for this question. */
const ANSWERS_WITHIN_MS = 1000;

/** Whether the engine has containers of a project: one plain request, as loading the engine's client takes a third of a second. */
export function hasProject(address: EngineAddress, project: string, signal: AbortSignal): Promise<boolean> {
  const filters = encodeURIComponent(JSON.stringify({ label: [membershipFilter(project)] }));
  const path = `/containers/json?all=1&filters=${filters}`;
  return new Promise((resolve) => {
    const asked = request({ ...address, path, signal, timeout: ANSWERS_WITHIN_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(response.statusCode === 200 && text.trim() !== '[]'));
      response.on('error', () => resolve(false));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
