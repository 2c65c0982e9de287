import { homedir } from 'node:os';
import { EXIT, UserError } from '../model/diagnostic.ts';
import type { Graph } from '../model/graph.ts';
import { fromJson, type MapNode, mapAt } from '../model/node.ts';
import { findHuggingFace } from './hugging-face.ts';
import type { Io } from './io.ts';

interface Sources {
  /** Its companions hold the Secrets of the file, of `-f` and of `--secret`. */
  readonly graph: Graph;
  /** Values that a launch script exports, by Secret and key. */
  readonly ofScript: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The Secret that upstream's graphs take the Hugging Face token from, and its key. */
const TOKEN_SECRET = 'hf-token-secret';
const TOKEN_KEY = 'HF_TOKEN';

/**
 * `--create-secrets`: the documents of these Secrets, from what `up` would use here: the file, `--secret`, what a script exports, and for
 * hf-token-secret HF_TOKEN or the Hugging Face login. They go to the cluster on kubectl's stdin and nowhere else. Throws SECRET_UNKNOWN
 * (exit 3), which names no value.
 */
export async function secretsToCreate(
  names: readonly string[],
  { graph, ofScript }: Sources,
  io: Io,
): Promise<ReadonlyMap<string, MapNode>> {
  const made = await Promise.all(
    names.map(async (name): Promise<readonly [string, MapNode]> => {
      const written = graph.companions.secrets.get(name);
      if (written) return [name, written];
      const values = ofScript.get(name) ?? (name === TOKEN_SECRET ? await readToken(io) : undefined);
      if (values !== undefined && values.size > 0) return [name, secretDocument(name, values)];
      throw new UserError('SECRET_UNKNOWN', `--create-secrets ${name}: nothing here says what is in it`, {
        exitCode: EXIT.preflight,
        hint: `give it with --secret ${name}=FILE.env${name === TOKEN_SECRET ? ', or set HF_TOKEN' : ''}`,
      });
    }),
  );
  return new Map(made);
}

async function readToken(io: Io): Promise<ReadonlyMap<string, string> | undefined> {
  const { token } = await findHuggingFace(io.env, io.env.HOME ?? homedir());
  return token === undefined ? undefined : new Map([[TOKEN_KEY, token]]);
}

function secretDocument(name: string, values: ReadonlyMap<string, string>): MapNode {
  const document = mapAt(
    fromJson(
      { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'Opaque', stringData: Object.fromEntries(values) },
      { kind: 'flag', flag: '--create-secrets' },
    ),
  );
  if (!document) throw new Error('a Secret is a map');
  return document;
}
