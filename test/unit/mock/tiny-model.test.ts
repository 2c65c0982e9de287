import { describe, expect, it } from 'vitest';
import { directoryFiles, hubCacheFiles, tinyModelFiles } from '../../../src/mock/tiny-model.ts';

interface Tokenizer {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly string[] };
}

function readJson<T>(name: string): T {
  return JSON.parse(tinyModelFiles()[name] ?? 'null');
}

describe('tinyModelFiles', () => {
  const { model, added_tokens } = readJson<Tokenizer>('tokenizer.json');
  const byId = new Map(Object.entries(model.vocab).map(([token, id]) => [id, token]));

  it('holds the four files that frontend and mocker read, the same ones every time', () => {
    expect(Object.keys(tinyModelFiles()).toSorted()).toEqual([
      'config.json',
      'generation_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(tinyModelFiles()).toEqual(tinyModelFiles());
  });

  it('gives every id of the vocabulary a token of its own', () => {
    const { vocab_size } = readJson<{ vocab_size: number }>('config.json');
    expect(vocab_size).toBe(4096);
    expect(byId.size).toBe(4096);
    expect([...byId.keys()].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 4096 }, (_, id) => id));
  });

  it('answers in readable words: the mocker draws ids from 1000 to 4000', () => {
    for (let id = 261; id < 4096; id += 1) expect(byId.get(id)).toMatch(/^Ġ(?:[bcdfghjklmnprstvz][aeiou]){3}$/);
  });

  it('can encode any text: the first 256 tokens are the byte symbols', () => {
    const bytes = Array.from({ length: 256 }, (_, id) => byId.get(id) ?? '');
    expect(bytes.every((token) => [...token].length === 1)).toBe(true);
    // In byte-level BPE `A` is itself, a blank is Ġ and a line break is Ċ.
    expect([bytes[0x41], bytes[0x20], bytes[0x0a]]).toEqual(['A', 'Ġ', 'Ċ']);
    expect(model.merges).toEqual([]);
  });

  it('marks 256 to 260 as special, and names begin and end of a text after them', () => {
    expect(added_tokens.map(({ id, content }) => [id, byId.get(id) === content])).toEqual(
      [256, 257, 258, 259, 260].map((id) => [id, true]),
    );
    const config = readJson<{ eos_token: string }>('tokenizer_config.json');
    const generation = readJson<{ eos_token_id: number }>('generation_config.json');
    expect(byId.get(generation.eos_token_id)).toBe(config.eos_token);
  });
});

describe('where the files stand', () => {
  it('is a hub cache for any model id, its main reference naming the snapshot', () => {
    const files = hubCacheFiles('Qwen/Qwen3-0.6B');
    const revision = files['models--Qwen--Qwen3-0.6B/refs/main'] ?? '';
    expect(revision).toMatch(/^[0-9a-f]{40}$/);
    for (const [name, content] of Object.entries(tinyModelFiles())) {
      expect(files[`models--Qwen--Qwen3-0.6B/snapshots/${revision}/${name}`]).toBe(content);
    }
    expect(Object.keys(files)).toHaveLength(5);
  });

  it('is a hub cache for an id without an organisation too', () => {
    expect(Object.keys(hubCacheFiles('gpt2'))).toContain('models--gpt2/refs/main');
  });

  it('is a directory of the same name for runtimes before 1.0', () => {
    expect(Object.keys(directoryFiles('local/tiny')).toSorted()).toEqual([
      'local/tiny/config.json',
      'local/tiny/generation_config.json',
      'local/tiny/tokenizer.json',
      'local/tiny/tokenizer_config.json',
    ]);
  });
});
