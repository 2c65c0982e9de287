import { EXIT, UserError } from '../../model/diagnostic.ts';

/** An image reference taken apart; `registry` is the host that is asked, `docker.io` where none is written. */
export interface ImageReference {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** distribution/reference regexp.go: lower-case path components joined by single separators. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?$/;

/** Takes a reference apart as docker does: the part before the first `/` is a host when it looks like one. Throws IMAGE_INVALID (exit 2). */
export function parseImageReference(text: string): ImageReference {
  const [named = '', digest, ...rest] = text.split('@');
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const path = hasHost ? named.slice(slash + 1) : named;
  const colon = path.lastIndexOf(':');
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const name = colon < 0 ? path : path.slice(0, colon);
  const registry = hasHost && !/^(?:index\.)?docker\.io$/.test(first) ? first : 'docker.io';
  const valid =
    rest.length === 0 &&
    (!hasHost || HOST.test(first)) &&
    name.split('/').every((component) => COMPONENT.test(component)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!valid) {
    throw new UserError('IMAGE_INVALID', `"${text}" is not an image reference`, {
      exitCode: EXIT.usage,
      hint: 'it reads REGISTRY/NAME:TAG, in lower case up to the tag',
    });
  }
  const repository = registry === 'docker.io' && !name.includes('/') ? `library/${name}` : name;
  return { registry, repository, tag, digest };
}
