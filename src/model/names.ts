/** A project name that is safe in container names and hostnames: lower case, digits and dashes, 63 at most, `graph` when nothing is left. */
export function projectName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return name === '' ? 'graph' : name;
}

/** What `-p` accepts. No underscore: `_` ends a project's namespace on shared infrastructure, so that `a` never is a prefix of `a-b`. */
export const PROJECT_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** `decode-0`: how a replica is named to people and in events. */
export function replicaId(component: string, index: number): string {
  return `${component.toLowerCase()}-${index}`;
}

/** `<project>-<component>-<index>`, with the container's name behind it when it is not the main one. */
export function containerName(project: string, component: string, index: number, container = 'main'): string {
  const base = `${project}-${replicaId(component, index)}`;
  return container === 'main' ? base : `${base}-${container}`;
}

export function infraContainerName(project: string, service: string): string {
  return `${project}-${service}`;
}

export function networkName(project: string): string {
  return `${project}_default`;
}

export function volumeName(project: string, claim: string): string {
  return `${project}_${claim}`;
}

/** What Kubernetes says of a name that is none (apimachinery pkg/util/validation, IsDNS1123Subdomain). */
export const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** IsDNS1123Label; the two blanks are Kubernetes' own. */
export const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
