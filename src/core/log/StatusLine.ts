import { createLogUpdate } from 'log-update';
import type { LogSink } from './LogDestination.js';

/** A stream that may be a terminal, such as `process.stdout`. */
export type StatusStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/**
 * A line at the bottom of the terminal, below the log, that shows how things stand. Where there is no terminal it shows nothing.
 *
 * Other output must go through `wrap()`, which takes the status away, writes, and draws it again. The status line sets no timer,
 * hides no cursor and adds no listener. So a process that dies leaves only the last status behind.
 */
export class StatusLine {
  readonly #stream: StatusStream;
  readonly #draw: ReturnType<typeof createLogUpdate> | undefined;
  #text = '';
  #stopped = false;

  public constructor(stream: StatusStream) {
    this.#stream = stream;
    // The cursor stays visible. To hide it is done on stderr, needs signal handlers to undo, and a kill -9 would leave it hidden.
    this.#draw = stream.isTTY === true ? createLogUpdate(stream, { showCursor: true }) : undefined;
  }

  /** Shows this text instead of the last one. An empty text shows nothing. */
  public set(text: string): void {
    if (this.#draw === undefined || this.#stopped) return;
    const line = text.replace(/\p{Cc}+/gu, ' ');
    if (line === this.#text) return;
    if (line === '') this.clear();
    else this.#draw(line);
    this.#text = line;
  }

  /** Takes the status away until the next `set`. */
  public clear(): void {
    if (this.#text !== '') this.#draw?.clear();
    this.#text = '';
  }

  /** Takes the status away for good. */
  public stop(): void {
    this.clear();
    this.#stopped = true;
  }

  /**
   * @param stream Where to write. Default: the status line's own stream. Another one (stderr) must show on the same terminal.
   * @returns a destination for log lines that writes above the status. It takes whole lines only.
   */
  public wrap(stream: StatusStream = this.#stream): LogSink {
    return {
      isTTY: stream.isTTY === true,
      write: (lines) => {
        const text = this.#text;
        if (text !== '') this.#draw?.clear();
        stream.write(lines);
        if (text !== '') this.#draw?.(text);
      },
    };
  }
}
