import { readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { EXIT, UserError } from '../model/diagnostic.ts';
import { readSystemErrorCode } from './system-error-code.ts';

export interface SourceText {
  /** As messages name it: the path as given, `<stdin>` for `-`. */
  readonly file: string;
  readonly text: string;
}

/** Graphs are kilobytes; what is larger is something else. */
const MAX_BYTES = 8 * 1024 * 1024;

function refuse(code: string, message: string, hint?: string): UserError {
  return new UserError(code, message, { exitCode: EXIT.usage, ...(hint ? { hint } : {}) });
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) throw refuse('FILE_IS_DIRECTORY', `${path} is a directory`, 'name the YAML file in it');
    if (info.size > MAX_BYTES) throw refuse('FILE_TOO_LARGE', `${path} has ${info.size} bytes: no graph is that large`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = readSystemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw refuse('FILE_NOT_FOUND', `there is no file ${path}`);
    if (code === 'EACCES' || code === 'EPERM') throw refuse('FILE_UNREADABLE', `${path} may not be read`);
    throw error;
  }
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BYTES) throw refuse('FILE_TOO_LARGE', 'more than 8 MiB came in on stdin: no graph is that large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The text of a file, or of stdin for `-`. Refuses (exit 2) what is missing, empty, a directory, or no text. */
export async function readSource(path: string, stdin: Readable): Promise<SourceText> {
  const file = path === '-' ? '<stdin>' : path;
  const bytes = path === '-' ? await readAll(stdin) : await readBytes(path);
  if (bytes.includes(0)) throw refuse('FILE_BINARY', `${file} is a binary file`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('FILE_BINARY', `${file} is not UTF-8 text`);
  }
  if (text.trim() === '') throw refuse('FILE_EMPTY', `${file} is empty`);
  return { file, text };
}
