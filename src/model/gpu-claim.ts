import { itemsAt, type MapNode, mapAt, numberAt, stringAt } from './node.ts';

/** The device class of NVIDIA's DRA driver for whole GPUs. */
const GPU_CLASS = 'gpu.nvidia.com';

/** The devices that a ResourceClaimTemplate asks for (resource.k8s.io DeviceRequest: one, where no count is given; v1beta1 has no `exactly`). */
export function countDevices(template: MapNode, counts: (deviceClass: string | undefined) => boolean): number {
  return itemsAt(template, 'spec', 'spec', 'devices', 'requests').reduce((sum, request) => {
    const exactly = mapAt(request, 'exactly') ?? request;
    return counts(stringAt(exactly, 'deviceClassName')) ? sum + (numberAt(exactly, 'count') ?? 1) : sum;
  }, 0);
}

/** The whole GPUs among them. */
export function claimedGpus(template: MapNode): number {
  return countDevices(template, (deviceClass) => deviceClass === GPU_CLASS);
}
