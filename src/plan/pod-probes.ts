import { itemsAt, type MapNode, mapAt, type Node, numberAt, stringAt, stringsAt } from '../model/node.ts';
import type { Probe, ProbeHandler, Probes } from '../model/probe.ts';

/** The port number that a probe's `port` means: a number, a numeric string, or the name of one of the container's ports. */
function resolvePort(container: MapNode, port: Node | undefined): number | undefined {
  if (port?.kind !== 'scalar') return undefined;
  if (typeof port.value === 'number') return port.value;
  if (typeof port.value !== 'string') return undefined;
  if (/^\d+$/.test(port.value)) return Number(port.value);
  const named = itemsAt(container, 'ports').find((item) => stringAt(item, 'name') === port.value);
  return numberAt(named, 'containerPort');
}

function readHandler(container: MapNode, probe: MapNode): ProbeHandler | undefined {
  const http = mapAt(probe, 'httpGet');
  if (http) {
    const port = resolvePort(container, http.fields.get('port'));
    if (port === undefined) return undefined;
    const host = stringAt(http, 'host');
    return {
      kind: 'httpGet',
      scheme: stringAt(http, 'scheme') === 'HTTPS' ? 'HTTPS' : 'HTTP',
      port,
      path: stringAt(http, 'path') ?? '/',
      headers: itemsAt(http, 'httpHeaders').map(
        (header) => [stringAt(header, 'name') ?? '', stringAt(header, 'value') ?? ''] as const,
      ),
      ...(host ? { host } : {}),
    };
  }
  const tcp = mapAt(probe, 'tcpSocket');
  if (tcp) {
    const port = resolvePort(container, tcp.fields.get('port'));
    const host = stringAt(tcp, 'host');
    return port === undefined ? undefined : { kind: 'tcpSocket', port, ...(host ? { host } : {}) };
  }
  const command = stringsAt(probe, 'exec', 'command');
  if (command) return { kind: 'exec', command };
  const grpc = mapAt(probe, 'grpc');
  const port = numberAt(grpc, 'port');
  return grpc && port !== undefined ? { kind: 'grpc', port, service: stringAt(grpc, 'service') ?? '' } : undefined;
}

/**
 * A probe with the defaults of the API server (kubernetes pkg/apis/core/v1/defaults.go SetDefaults_Probe): timeout 1 s, period 10 s,
 * success 1, failure 3. Undefined when it has no handler or names a port that the container does not have: such a pod never
 * becomes ready in a cluster; `unresolved` says so.
 */
function readProbe(container: MapNode, kind: string): { probe?: Probe; unresolved?: string } {
  const written = mapAt(container, kind);
  if (!written) return {};
  const handler = readHandler(container, written);
  if (!handler) return { unresolved: kind };
  return {
    probe: {
      handler,
      initialDelaySeconds: numberAt(written, 'initialDelaySeconds') ?? 0,
      periodSeconds: numberAt(written, 'periodSeconds') || 10,
      timeoutSeconds: numberAt(written, 'timeoutSeconds') || 1,
      successThreshold: numberAt(written, 'successThreshold') || 1,
      failureThreshold: numberAt(written, 'failureThreshold') || 3,
    },
  };
}

/** The three probes of a container of a PodSpec. `unresolved` names those that no kubelet could run. */
export function readProbes(container: MapNode): { readonly probes: Probes; readonly unresolved: readonly string[] } {
  const startup = readProbe(container, 'startupProbe');
  const liveness = readProbe(container, 'livenessProbe');
  const readiness = readProbe(container, 'readinessProbe');
  return {
    probes: {
      ...(startup.probe ? { startup: startup.probe } : {}),
      ...(liveness.probe ? { liveness: liveness.probe } : {}),
      ...(readiness.probe ? { readiness: readiness.probe } : {}),
    },
    unresolved: [startup, liveness, readiness].flatMap((read) => (read.unresolved ? [read.unresolved] : [])),
  };
}
