// Asks a running frontend one question and prints the answer as it arrives.
// Usage: ask.mjs URL QUESTION
import { createParser } from 'eventsource-parser';

const [url = '', question = ''] = process.argv.slice(2);
const ANSWER_TOKENS = 48;

function fail(reason) {
  console.error(`ask: ${reason}`);
  process.exit(6);
}

/** Like fetch, for answers that are as they should be. */
async function send(path, options) {
  const response = await fetch(`${url}${path}`, options).catch((error) =>
    fail(`${url} cannot be asked: ${error.cause?.message ?? error.message}`),
  );
  if (!response.ok) fail(`${path} answers ${response.status}: ${await response.text()}`);
  return response;
}

const models = await (await send('/v1/models')).json();
const model = models.data[0]?.id ?? fail(`${url} lists no model`);
const response = await send('/v1/chat/completions', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    model,
    messages: [{ role: 'user', content: question }],
    max_tokens: ANSWER_TOKENS,
    stream: true,
  }),
});

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));

let words = 0;
const parser = createParser({
  onEvent({ data }) {
    if (data === '[DONE]') return;
    const text = JSON.parse(data).choices?.[0]?.delta?.content ?? '';
    if (text !== '') words += 1;
    process.stdout.write(text);
  },
});
for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) parser.feed(chunk);
process.stdout.write('\n');
if (words === 0) fail('the answer is empty');
