import { fromJson, type Json, type MapNode, map, type Node, scalar } from '../model/node.ts';
import type { Origin } from '../model/origin.ts';
import { isAtLeast } from '../model/version.ts';
import { directoryFiles, hubCacheFiles, tinyModelFiles } from './tiny-model.ts';

/** Where mocked containers have their models: `hub` is a Hugging Face cache, and directories of the model's name stand beside it. */
export const MOCK_HOME = '/opt/dynamo/mock';
/** Name of the ConfigMap with the files of the tiny model. */
export const TINY_MODEL = 'dynamo-mock-model';

const MOCK: Origin = { kind: 'flag', flag: '--mock' };
/** Key of the revision, which a hub cache has in a file of its own. */
const REVISION = 'revision';

/** A model under the name by which users ask for it. */
export interface MockModel {
  /** What `--model-path` and `--model-name` are given. */
  readonly path: string;
  readonly name: string;
  /** The model of this machine's cache, where it is there; else the tiny one. */
  readonly cached: string | undefined;
  readonly volume: Node;
  readonly mount: Node;
}

export interface ModelWish {
  readonly model: string | undefined;
  readonly servedName: string | undefined;
}

const HUB_ID = /^[\w][\w.-]*(?:\/[\w][\w.-]*)?$/;
/** The model of a worker that names none that can be read. */
const UNNAMED = 'local/tiny';

/**
 * Where a mocked worker finds the model that it is asked to serve: in a hub cache under the name that users ask for, from 1.0 on; before,
 * as a directory of that name below the working directory; a path that is served under itself stays one (facts/versions.md §1).
 * `find` gives the folder of a model id in the user's own hub cache when configuration and tokenizer are there.
 */
export function mockModel(wish: ModelWish, version: string, find: (id: string) => string | undefined): MockModel {
  const written = wish.model === undefined || wish.model.includes('$') ? undefined : wish.model.replace(/\/+$/, '');
  const served = wish.servedName?.includes('$') ? undefined : wish.servedName;
  const name = served ?? written ?? UNNAMED;
  if (!HUB_ID.test(name)) {
    // The name is a path, or nothing that a cache could hold: the files stand at a path, and the name is what it was.
    const path = name.startsWith('/') ? name : `${MOCK_HOME}/${name.replaceAll(/[^\w.-]+/g, '-')}`;
    return {
      path,
      name,
      cached: undefined,
      ...tinyVolume(
        path,
        Object.keys(tinyModelFiles()).map((file) => [file, file]),
      ),
    };
  }
  if (!isAtLeast(version, 1, 0)) {
    const files = Object.keys(directoryFiles(name)).map((path): [string, string] => [
      path.split('/').at(-1) ?? '',
      path,
    ]);
    return {
      path: name,
      name,
      cached: undefined,
      ...tinyVolume(
        `${MOCK_HOME}/${name}`,
        files.map(([key, path]) => [key, path.slice(name.length + 1)]),
      ),
    };
  }
  const id = written !== undefined && HUB_ID.test(written) ? written : name;
  const folder = find(id);
  const root = `models--${name.replaceAll('/', '--')}`;
  const mountPath = `${MOCK_HOME}/hub/${root}`;
  if (folder !== undefined) {
    return { path: name, name, cached: id, ...namedVolume(mountPath, { hostPath: { path: folder } }) };
  }
  const files = Object.keys(hubCacheFiles(name)).map((path): [string, string] => [
    path.endsWith('/refs/main') ? REVISION : (path.split('/').at(-1) ?? ''),
    path.slice(root.length + 1),
  ]);
  return { path: name, name, cached: undefined, ...tinyVolume(mountPath, files) };
}

function namedVolume(mountPath: string, source: Readonly<Record<string, Json>>): Pick<MockModel, 'volume' | 'mount'> {
  const name = `mock${mountPath.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;
  return {
    volume: fromJson({ name, ...source }, MOCK),
    mount: fromJson({ name, mountPath, readOnly: true }, MOCK),
  };
}

function tinyVolume(
  mountPath: string,
  files: readonly (readonly [key: string, path: string])[],
): Pick<MockModel, 'volume' | 'mount'> {
  return namedVolume(mountPath, {
    configMap: { name: TINY_MODEL, items: files.map(([key, path]) => ({ key, path })) },
  });
}

/** The ConfigMap that the volumes name. */
export function tinyModelConfigMap(): MapNode {
  const revision = hubCacheFiles('x')['models--x/refs/main'] ?? '';
  const data = { ...tinyModelFiles(), [REVISION]: revision };
  return map(
    [
      ['apiVersion', scalar('v1', MOCK)],
      ['kind', scalar('ConfigMap', MOCK)],
      ['metadata', fromJson({ name: TINY_MODEL }, MOCK)],
      ['data', fromJson(data, MOCK)],
    ],
    MOCK,
  );
}
