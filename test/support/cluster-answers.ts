import type { Exchange } from './fake-kubectl.ts';

/** What discovery says of an operator's API: `kubectl get --raw /apis/nvidia.com/VERSION`, recorded and cut to what is read. */
export function serves(...versions: readonly ('v1beta1' | 'v1alpha1')[]): readonly Exchange[] {
  const served = versions.map((version) => ({
    asks: new RegExp(`^get --raw /apis/nvidia.com/${version}$`),
    stdout: {
      kind: 'APIResourceList',
      groupVersion: `nvidia.com/${version}`,
      resources: [{ name: 'dynamographdeployments' }, { name: 'dynamographdeploymentrequests' }],
    },
  }));
  const missing = {
    asks: /^get --raw /,
    stderr: 'Error from server (NotFound): the server could not find the requested resource',
    exitCode: 1,
  };
  return [...served, missing];
}
