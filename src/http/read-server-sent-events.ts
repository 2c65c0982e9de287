/** One frame of an event stream. Comments count: runtimes up to 1.0 say there why a stream ended early (facts/versions.md §9). */
export type ServerSentEvent =
  | { readonly kind: 'event'; readonly event: string | undefined; readonly data: string }
  | { readonly kind: 'comment'; readonly text: string };

/** Longest line that is waited for: far more than a chunk of a completion, far less than memory. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** Reads a `text/event-stream` body, wherever its chunks are cut. A frame without its closing empty line is dropped, as browsers do. */
export async function* readServerSentEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { createParser } = await import('eventsource-parser');
  let frames: ServerSentEvent[] = [];
  let tooLong: Error | undefined;
  const parser = createParser({
    maxBufferSize: MAX_CHARACTERS,
    onEvent: ({ event, data }) => frames.push({ kind: 'event', event, data }),
    onComment: (text) => frames.push({ kind: 'comment', text: text.trim() }),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') tooLong = error;
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (tooLong) throw tooLong;
    const ready = frames;
    frames = [];
    yield* ready;
  }
}
