import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Characters of the longest line, so that a line without end fills no memory. What is beyond is counted and dropped. */
const MAX_LINE_LENGTH = 1024 * 1024;

/**
 * Calls `onLine` for each line of a byte stream, without its line break, and for what is left when the stream ends. Bytes that
 * are not UTF-8 become U+FFFD. A line above a million characters is cut there, and ends with a note.
 *
 * @param signal Ends the reading: the stream is paused then, and somebody else can read on. Default: nothing does.
 * @returns a promise that resolves when the stream has ended, closed or failed, and the last line was delivered. It never
 * rejects: output breaks off because its process ends, and that is reported anyway.
 */
export function splitLines(stream: Readable, onLine: (line: string) => void, signal?: AbortSignal): Promise<void> {
  const decoder = new StringDecoder('utf8');
  // Pieces and not one text: to append to a growing text and search it again for each chunk is quadratic.
  let pieces: string[] = [];
  let length = 0;

  const add = (text: string): void => {
    if (length < MAX_LINE_LENGTH) pieces.push(text.slice(0, MAX_LINE_LENGTH - length));
    length += text.length;
  };
  const finish = (): void => {
    const line = pieces.join('');
    const cut = length > MAX_LINE_LENGTH ? cutNote(length) : '';
    pieces = [];
    length = 0;
    onLine((line.endsWith('\r') ? line.slice(0, -1) : line) + cut);
  };
  const take = (text: string): void => {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      add(text.slice(start, end));
      start = end + 1;
      finish();
    }
    if (start < text.length) add(text.slice(start));
  };

  return new Promise((resolve) => {
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      take(decoder.end());
      if (length > 0) finish();
      resolve();
    };
    const onData = (chunk: Buffer | string): void => take(typeof chunk === 'string' ? chunk : decoder.write(chunk));
    const leave = (): void => {
      stream.pause();
      stream.off('data', onData);
      end();
    };
    signal?.addEventListener('abort', leave, { once: true });
    stream.on('data', onData);
    // Whoever read it before has paused it. A listener alone would not set it going again.
    stream.resume();
    stream.once('end', end);
    stream.once('close', end);
    stream.once('error', end);
  });
}

/** What stands at the end of a text that was cut. */
export function cutNote(length: number): string {
  return `... [cut, ${length} characters in all]`;
}
