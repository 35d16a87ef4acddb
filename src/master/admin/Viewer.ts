import type { ServerResponse } from 'node:http';
import type { AdminEvents } from '../../core/contracts/AdminApi.js';
import { answerText } from './answers.js';

/** How many bytes may wait for a viewer that reads slowly: a few states of a large bot. Beyond it events are left out. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A viewer that has had no room for so many milliseconds does not read, and is cut off. */
const STALLED_MS = 20_000;

/** @returns one event as it goes over the wire, for all viewers. */
export function frameOf<Name extends keyof AdminEvents>(name: Name, data: AdminEvents[Name]): string {
  return `event: ${name}\ndata: ${answerText(data)}\n\n`;
}

/** One open event stream. It holds a bounded amount for a viewer that reads slowly. */
export class Viewer {
  /** Resolves when the stream has ended, by either side. */
  public readonly closed: Promise<void>;
  readonly #response: ServerResponse;
  #fullSince: number | undefined;

  public constructor(response: ServerResponse, headers: Readonly<Record<string, string>>) {
    this.#response = response;
    this.closed = new Promise((resolve) => response.once('close', resolve));
    response.on('error', () => {
      // The other side is gone; `close` follows.
    });
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would otherwise keep the events until it has a buffer full of them.
      'x-accel-buffering': 'no',
    });
    response.write('retry: 2000\n\n');
  }

  public send(frame: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    if (this.#response.writableLength + frame.length <= MAX_WAITING_BYTES) {
      this.#fullSince = undefined;
      this.#response.write(frame);
      return;
    }
    this.#fullSince ??= performance.now();
    if (performance.now() - this.#fullSince > STALLED_MS) this.#response.destroy();
  }

  public end(): void {
    this.#response.end();
  }
}
