/** What the kinds are that stand in real files beside graphs, or instead of them (facts/deployment-yaml.md §2). */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  DynamoGraphDeploymentRequest: 'the profiler of a cluster makes graphs of it',
  DynamoComponentDeployment: 'the operator makes these of a graph: name the graph',
  DynamoModel: 'it adds a LoRA to a graph that runs',
  DynamoCheckpoint: 'it belongs to a cluster',
  CustomResourceDefinition: 'it defines the kind and deploys nothing',
  Kustomization: 'render it: kubectl kustomize DIR | dynamo up -',
  Component: 'it is a part of a kustomization: kubectl kustomize DIR | dynamo up -',
  Deployment: 'it runs beside a graph, not in it',
  Pod: 'it runs beside a graph, not in it',
  Job: 'it runs beside a graph, not in it',
  DaemonSet: 'it belongs to a cluster',
  Service: 'every component gets its DNS name without one',
  ComputeDomain: 'it joins GPUs of several machines',
  ResourceClaimTemplate: 'only claims of gpu.nvidia.com are met here',
  ClusterRoleBinding: 'there is no Kubernetes API here',
  RoleBinding: 'there is no Kubernetes API here',
  ServiceAccount: 'there is no Kubernetes API here',
  HTTPRoute: 'the frontend is published on this machine',
  Ingress: 'the frontend is published on this machine',
};

/** Why a kind is not what `dynamo up` runs; undefined for one that we have never met. */
export function explainKind(kind: string): string | undefined {
  return OTHER_KINDS[kind];
}
