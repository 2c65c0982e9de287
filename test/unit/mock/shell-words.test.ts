import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { shellWords } from '../../../src/mock/shell-words.ts';

const ENV = new Map([['MODEL_PATH', '/models/a b']]);

describe('shellWords', () => {
  test.each([
    [' --model x  2>&1 | tee /tmp/vllm.log', ['--model', 'x']],
    [' --model x > log', ['--model', 'x']],
    [' \\\n  --model "${MODEL_PATH}" \\\n  --tp 2\nsleep 1', ['--model', '/models/a b', '--tp', '2']],
    [' --model $UNSET --name ${NAME:-mine} &', ['--model', '$UNSET', '--name', 'mine']],
    [` --kv '{"a": "$b"}' "say \\"hi\\""`, ['--kv', '{"a": "$b"}', 'say "hi"']],
    [' --empty "" --x=1; exit', ['--empty', '', '--x=1']],
  ])('%j', (text, words) => {
    expect(shellWords(text, ENV)).toEqual(words);
  });

  it('reads back any words that were quoted', () => {
    const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(shellWords(words.map(quote).join(' '), ENV)).toEqual(words);
      }),
    );
  });
});
