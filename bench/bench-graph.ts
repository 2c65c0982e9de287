import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const images = parseEnv(readFileSync(new URL('../compose/.env', import.meta.url), 'utf8'));
const CPU_IMAGE = images.DYNAMO_CPU_IMAGE ?? 'dynamo-cpu:1.4.2';

export interface BenchService {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** How docker compose asks whether it is healthy. */
  readonly health: string;
  readonly infra: boolean;
  readonly publish: boolean;
}

const COMMON = {
  DYN_NAMESPACE: 'default-mocker-disagg',
  DYN_DISCOVERY_BACKEND: 'etcd',
  ETCD_ENDPOINTS: 'http://etcd:2379',
};
const WORKER = {
  ...COMMON,
  DYN_NAMESPACE_WORKER_SUFFIX: 'local',
  DYN_SYSTEM_ENABLED: 'true',
  DYN_SYSTEM_PORT: '9090',
  DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS: '["generate"]',
  DYN_HEALTH_CHECK_ENABLED: 'false',
};

function worker(name: 'prefill' | 'decode'): BenchService {
  const command = [
    'python3',
    '-m',
    'dynamo.mocker',
    '--model-path',
    'local/tiny',
    '--model-name',
    'local/tiny',
    '--disaggregation-mode',
    name,
  ];
  return {
    name,
    image: CPU_IMAGE,
    command,
    env: WORKER,
    health: 'curl -sf http://127.0.0.1:9090/health',
    infra: false,
    publish: false,
  };
}

/** launch/mocker/disagg.yaml as `dynamo` runs it, for those who cannot read it. */
export const SERVICES: readonly BenchService[] = [
  {
    name: 'etcd',
    image: images.DYNAMO_ETCD_IMAGE ?? '',
    command: [
      'etcd',
      '--data-dir=/var/lib/etcd/dynamo',
      '--listen-client-urls=http://0.0.0.0:2379',
      '--advertise-client-urls=http://etcd:2379',
      '--heartbeat-interval=10',
      '--election-timeout=100',
    ],
    env: {},
    health: 'ETCDCTL_API=3 etcdctl endpoint health',
    infra: true,
    publish: false,
  },
  {
    name: 'nats',
    image: images.DYNAMO_NATS_IMAGE ?? '',
    command: ['nats-server', '--jetstream', '--store_dir=/var/lib/nats', '--http_port=8222'],
    env: {},
    health: 'wget -q --spider http://127.0.0.1:8222/healthz',
    infra: true,
    publish: false,
  },
  {
    name: 'frontend',
    image: CPU_IMAGE,
    command: ['python3', '-m', 'dynamo.frontend'],
    env: { ...COMMON, DYN_HTTP_PORT: '8000', DYN_NAMESPACE_PREFIX: 'default-mocker-disagg' },
    health: 'curl -sf http://127.0.0.1:8000/health',
    infra: false,
    publish: true,
  },
  worker('prefill'),
  worker('decode'),
];

/** The same services as a compose file with health checks every second. */
export function composeFile(): string {
  const services = SERVICES.map(({ name, image, command, env, health, infra, publish }) => [
    name,
    {
      image,
      entrypoint: [...command],
      environment: env,
      shm_size: '8gb',
      stop_grace_period: '60s',
      healthcheck: { test: ['CMD-SHELL', health], interval: '1s', timeout: '2s', retries: 60 },
      ...(infra
        ? {}
        : { depends_on: { etcd: { condition: 'service_healthy' }, nats: { condition: 'service_healthy' } } }),
      ...(publish ? { ports: ['127.0.0.1:0:8000'] } : {}),
    },
  ]);
  return JSON.stringify({ services: Object.fromEntries(services) });
}
