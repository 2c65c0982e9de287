import type { Json } from '../model/node.ts';

/** Size of the vocabulary: the mocker answers with random ids from 1000 to 4000, and all of them must be words (facts/lab.md). */
const VOCABULARY_SIZE = 4096;
const CONTEXT_LENGTH = 4096;
const SPECIAL_TOKENS = ['<|begin|>', '<|end|>', '<|pad|>', '<|user|>', '<|assistant|>'] as const;
const CONSONANTS = [...'bcdfghjklmnprstvz'];
const VOWELS = [...'aeiou'];

/** GPT-2's map from bytes to printable characters, which byte-level BPE tokenizers write their symbols in. */
function byteSymbols(): readonly string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let shifted = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : shifted++));
}

/** The n-th word, e.g. `bacade`: pronounceable, all different, three syllables. */
function word(index: number): string {
  const syllables = CONSONANTS.length * VOWELS.length;
  const syllable = (n: number) =>
    `${CONSONANTS[Math.floor(n / VOWELS.length)] ?? ''}${VOWELS[n % VOWELS.length] ?? ''}`;
  // A stride that shares no factor with the number of syllables scatters neighbours.
  const scattered = (index * 31) % (syllables * syllables);
  return (
    syllable(scattered % syllables) + syllable(Math.floor(scattered / syllables)) + syllable((index * 7) % syllables)
  );
}

function vocabulary(): Record<string, number> {
  const entries: Record<string, number> = {};
  for (const [id, symbol] of byteSymbols().entries()) entries[symbol] = id;
  for (const [offset, token] of SPECIAL_TOKENS.entries()) entries[token] = 256 + offset;
  // `Ġ` is the byte-level symbol of a leading blank.
  for (let id = 256 + SPECIAL_TOKENS.length; id < VOCABULARY_SIZE; id += 1) entries[`Ġ${word(id)}`] = id;
  return entries;
}

const CHAT_TEMPLATE =
  "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** The four files of a model without weights that frontend and mocker of every Dynamo version read; contents by file name. */
export function tinyModelFiles(): Readonly<Record<string, string>> {
  const files: Record<string, Json> = {
    'config.json': {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      hidden_size: 64,
      intermediate_size: 128,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      num_hidden_layers: 2,
      vocab_size: VOCABULARY_SIZE,
      max_position_embeddings: CONTEXT_LENGTH,
      bos_token_id: 256,
      eos_token_id: 257,
      pad_token_id: 258,
      torch_dtype: 'float32',
    },
    'generation_config.json': { bos_token_id: 256, eos_token_id: 257, pad_token_id: 258 },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: SPECIAL_TOKENS[0],
      eos_token: SPECIAL_TOKENS[1],
      pad_token: SPECIAL_TOKENS[2],
      model_max_length: CONTEXT_LENGTH,
      chat_template: CHAT_TEMPLATE,
    },
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: SPECIAL_TOKENS.map((content, offset) => ({
        id: 256 + offset,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        vocab: vocabulary(),
        merges: [],
      },
    },
  };
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, `${JSON.stringify(content)}\n`]));
}

/** The revision under which the generated files stand in a hub cache. */
const REVISION = '0000000000000000000000000000000000000001';

/** Files of a Hugging Face hub cache that holds the model under this id; paths below `HF_HOME/hub`. */
export function hubCacheFiles(modelId: string): Readonly<Record<string, string>> {
  const root = `models--${modelId.replaceAll('/', '--')}`;
  const snapshot = Object.entries(tinyModelFiles()).map(([name, content]) => [
    `${root}/snapshots/${REVISION}/${name}`,
    content,
  ]);
  return Object.fromEntries([[`${root}/refs/main`, REVISION], ...snapshot]);
}

/** The same files as the directory ORG/NAME, which runtimes before 1.0 need below their working directory (facts/versions.md §1). */
export function directoryFiles(modelId: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tinyModelFiles()).map(([name, content]) => [`${modelId}/${name}`, content]));
}
