/** How a kubelet asks: the four handlers of a Kubernetes Probe. Ports are numbers here; names were resolved. */
export type ProbeHandler =
  | {
      readonly kind: 'httpGet';
      readonly scheme: 'HTTP' | 'HTTPS';
      readonly port: number;
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
      /** A `host` written in the probe: asked instead of the container's own address. */
      readonly host?: string;
    }
  | { readonly kind: 'tcpSocket'; readonly port: number; readonly host?: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string };

/** A Kubernetes Probe, its defaults filled in (period 10 s, timeout 1 s, success 1, failure 3, delay 0). */
export interface Probe {
  readonly handler: ProbeHandler;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export interface Probes {
  readonly startup?: Probe;
  readonly liveness?: Probe;
  readonly readiness?: Probe;
}
export type ProbeKind = 'startup' | 'liveness' | 'readiness';
