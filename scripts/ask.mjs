// Asks a running frontend one question and prints the answer as it arrives.
// Usage: ask.mjs URL QUESTION
import { createParser } from 'eventsource-parser';

const [url, question] = process.argv.slice(2);
const ANSWER_TOKENS = 48;

async function failUnlessOk(response) {
  if (!response.ok) throw new Error(`${response.url} answers ${response.status}: ${await response.text()}`);
  return response;
}

const models = await (await failUnlessOk(await fetch(`${url}/v1/models`))).json();
const response = await failUnlessOk(
  await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: models.data[0].id,
      messages: [{ role: 'user', content: question }],
      max_tokens: ANSWER_TOKENS,
      stream: true,
    }),
  }),
);

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
if (words === 0) throw new Error('the answer is empty');
