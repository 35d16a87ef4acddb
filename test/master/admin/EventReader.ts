import { type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface ServerSentEvent {
  readonly name: string;
  readonly data: unknown;
}

/** Reads an event stream. */
export class EventReader {
  public readonly events: ServerSentEvent[] = [];
  public status = 0;
  public closed = false;
  #waiting: (() => void)[] = [];
  readonly #request: ClientRequest;
  #response: IncomingMessage | undefined;

  public constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#request = request(url, { agent: false, headers }, (response) => {
      this.#response = response;
      this.status = response.statusCode ?? 0;
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const frames = (rest + chunk).split('\n\n');
        rest = frames.pop() ?? '';
        for (const frame of frames) this.#add(frame);
        this.#wake();
      });
      response.on('close', () => this.#close());
    });
    this.#request.on('error', () => this.#close());
    this.#request.end();
  }

  public named(name: string): unknown[] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  public async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Reads nothing any more, and stays connected. */
  public stall(): void {
    this.#response?.pause();
  }

  public close(): void {
    this.#request.destroy();
  }

  #add(frame: string): void {
    const name = /^event: (.*)$/m.exec(frame)?.[1];
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (name !== undefined && data !== undefined) this.events.push({ name, data: JSON.parse(data) });
  }

  #close(): void {
    this.closed = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
