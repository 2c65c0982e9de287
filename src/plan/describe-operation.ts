import type { Operation, OperationKind } from '../model/plan.ts';

const TEXT: { readonly [K in OperationKind]: (operation: Operation<K>) => string } = {
  pullImage: ({ image }) => `pull image ${image}`,
  createNetwork: ({ network }) => `create network ${network}`,
  createVolume: ({ volume }) => `create volume ${volume.name}`,
  createContainer: ({ container }) => {
    const gpus = container.gpus.length > 0 ? ` on ${container.gpus.join(', ')}` : '';
    const ports = container.publish.map(
      (port) => ` publishing ${port.hostAddress}:${port.hostPort || 'free'}->${port.containerPort}`,
    );
    return `create container ${container.name} from ${container.image}${gpus}${ports.join('')}`;
  },
  startContainer: ({ name }) => `start container ${name}`,
  stopContainer: ({ name, graceSeconds }) => `stop container ${name} within ${graceSeconds} s`,
  removeContainer: ({ name }) => `remove container ${name}`,
  removeNetwork: ({ network }) => `remove network ${network}`,
  removeVolume: ({ volume }) => `remove volume ${volume}`,
  setRestartPolicy: ({ name, policy }) => `set restart policy of ${name} to ${policy}`,
  waitHealthy: ({ service }) => `wait until ${service} answers`,
  waitCompleted: ({ name }) => `wait until ${name} has ended`,
  waitStarted: ({ name }) => `wait until ${name} has started up`,
  waitReady: ({ replica }) => `wait until ${replica} is ready`,
  forgetRegistrations: ({ replica }) => `remove what an earlier life of ${replica} left in etcd`,
  waitRegistered: ({ replica }) => `wait until ${replica} is registered`,
  waitRoutable: ({ frontend }) => `wait until ${frontend} answers a request`,
};

function describe<K extends OperationKind>(operation: Operation<K> & { readonly kind: K }): string {
  return TEXT[operation.kind](operation);
}

/** The one line that plans, dry runs and progress show for an operation; it holds no secret. */
export function describeOperation(operation: Operation): string {
  return describe(operation);
}
