import type { DesiredContainer } from '../model/desired-state.ts';
import type { Json } from '../model/node.ts';
import type { Probe } from '../model/probe.ts';
import { escapeDollars } from './compose-text.ts';

/** Seconds between checks while a probe of the cluster waits ten: who waits for a service wants to know at once. */
const INTERVAL_S = 2;

/** The command that asks what the probe asks, within the container; undefined: no program of an image speaks that. */
function testOf({ handler, timeoutSeconds }: Probe): readonly string[] | undefined {
  switch (handler.kind) {
    case 'httpGet': {
      const url = `${handler.scheme.toLowerCase()}://${handler.host ?? '127.0.0.1'}:${handler.port}${handler.path}`;
      const python =
        handler.scheme === 'HTTPS'
          ? `import ssl, urllib.request as r; r.urlopen("${url}", timeout=${timeoutSeconds}, context=ssl._create_unverified_context())`
          : `import urllib.request as r; r.urlopen("${url}", timeout=${timeoutSeconds})`;
      // Images of engines have one or the other.
      return ['CMD-SHELL', `curl -fsSk -m ${timeoutSeconds} -o /dev/null '${url}' || python3 -c '${python}'`];
    }
    case 'tcpSocket': {
      const place = `("${handler.host ?? '127.0.0.1'}", ${handler.port})`;
      return ['CMD', 'python3', '-c', `import socket; socket.create_connection(${place}, ${timeoutSeconds})`];
    }
    case 'exec':
      return ['CMD', ...handler.command];
    case 'grpc':
      return undefined;
  }
}

/** Seconds that the startup probe gives the container. */
function startSeconds(startup: Probe | undefined): number {
  return startup ? startup.initialDelaySeconds + startup.periodSeconds * startup.failureThreshold : 0;
}

/** Startup and readiness probe as one health check of compose, which knows a single one; undefined where there is nothing to ask. */
export function healthcheckOf(container: DesiredContainer): { readonly [key: string]: Json } | undefined {
  const { startup, readiness } = container.probes;
  const probe = container.holdsBack ? startup : (readiness ?? startup);
  const test = probe && testOf(probe);
  if (!probe || !test) return undefined;
  const budget = probe.initialDelaySeconds + probe.periodSeconds * probe.failureThreshold;
  return {
    test: test.map(escapeDollars),
    interval: `${Math.min(INTERVAL_S, probe.periodSeconds)}s`,
    timeout: `${Math.max(1, Math.ceil(probe.timeoutSeconds))}s`,
    start_period: `${Math.max(startSeconds(startup), budget)}s`,
    retries: Math.max(1, probe.failureThreshold),
  };
}
