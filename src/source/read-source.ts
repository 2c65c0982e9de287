import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { addAbortSignal } from 'node:stream';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { readSystemErrorCode } from './system-error-code.ts';

export interface SourceText {
  /** As messages name it: the path as given, `<stdin>` for `-`. */
  readonly file: string;
  readonly text: string;
}

/** Graphs are kilobytes; what is larger is something else. */
const MAX_BYTES = 8 * 1024 * 1024;

function refuse(code: string, message: string, hint?: string, cause?: unknown): UserError {
  return new UserError(code, message, { exitCode: EXIT.usage, cause, ...(hint ? { hint } : {}) });
}

/** Stops at the limit, so that a device file or an endless pipe ends too. */
async function readAll(file: string, stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BYTES) {
      throw refuse('FILE_TOO_LARGE', `${file} holds more than ${MAX_BYTES / 1024 / 1024} MiB: no graph is that large`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Also takes named pipes, as `<(kubectl kustomize .)` of a shell is one. */
async function readBytes(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    if ((await stat(path)).isDirectory()) {
      throw refuse('FILE_IS_DIRECTORY', `${path} is a directory`, 'name the YAML file in it');
    }
    return await readAll(path, createReadStream(path, signal ? { signal } : {}));
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UserError) throw error;
    switch (readSystemErrorCode(error)) {
      case 'ENOENT':
      case 'ENOTDIR':
        throw refuse('FILE_NOT_FOUND', `there is no file ${path}`, undefined, error);
      case undefined:
        throw error;
      default:
        throw refuse('FILE_UNREADABLE', `${path} cannot be read: ${readSystemErrorCode(error)}`, undefined, error);
    }
  }
}

async function readStdin(stdin: Readable, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    return await readAll('<stdin>', signal ? addAbortSignal(signal, stdin) : stdin);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * The text of a file, or of stdin for `-`. Throws a UserError (exit 2) for what is missing, empty, a directory, unreadable, larger than
 * 8 MiB, or no UTF-8 text; the signal's reason when it is aborted.
 */
export async function readSource(path: string, stdin: Readable, signal?: AbortSignal): Promise<SourceText> {
  const file = path === '-' ? '<stdin>' : path;
  const bytes = path === '-' ? await readStdin(stdin, signal) : await readBytes(path, signal);
  if (bytes.includes(0)) throw refuse('FILE_BINARY', `${file} is a binary file`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuse('FILE_BINARY', `${file} is not UTF-8 text`, undefined, cause);
  }
  if (text.trim() === '') throw refuse('FILE_EMPTY', `${file} is empty`);
  return { file, text };
}
