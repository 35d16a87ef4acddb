import type { ServerResponse } from 'node:http';
import type { HistorySample, LiveStatus, RestartStatus, StatusHistory } from '../../core/contracts/AdminApi.js';
import type { Logger } from '../../core/log/logger.js';
import { IntervalService } from '../../core/services/IntervalService.js';
import type { LogBook, LogSource } from './LogBook.js';
import { LogFeed } from './LogFeed.js';
import { frameOf, Viewer } from './Viewer.js';

export interface EventStreamOptions {
  readonly collect: () => Promise<LiveStatus>;
  readonly history: () => StatusHistory;
  readonly logs: LogBook;
  readonly logger: Logger;
}

export interface ViewOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: no log lines. */
  readonly logs: LogSource | undefined;
  /** Ends the stream: the session that opened it has ended. */
  readonly signal: AbortSignal | undefined;
  /** When the session expires, in milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

const INTERVAL_MS = 1_000;
const FIRST_LINES = 100;
/** More viewers than anybody has; beyond it the next one is told to wait. */
export const MAX_VIEWERS = 200;

interface Open {
  readonly viewer: Viewer;
  readonly expiresAt: number | undefined;
}

/** Live data for whoever looks: each state is collected and written down once, and sent to all. Without viewers it rests. */
export class EventStream extends IntervalService {
  readonly #options: EventStreamOptions;
  readonly #open = new Set<Open>();

  public constructor(options: EventStreamOptions) {
    super({ intervalMs: INTERVAL_MS }, options.logger);
    this.#options = options;
  }

  public get viewers(): number {
    return this.#open.size;
  }

  /** Streams to a response until either side ends it. */
  public async view(response: ServerResponse, { headers, logs, signal, expiresAt }: ViewOptions): Promise<void> {
    const viewer = new Viewer(response, headers);
    const open = { viewer, expiresAt };
    this.#open.add(open);
    const end = (): void => viewer.end();
    signal?.addEventListener('abort', end, { once: true });
    // It may have ended since it was let in.
    if (signal?.aborted) end();
    let feed: LogFeed | undefined;
    try {
      viewer.send(frameOf('status', await this.#options.collect()));
      viewer.send(frameOf('history', this.#options.history()));
      if (logs !== undefined) {
        viewer.send(frameOf('logs', this.#options.logs.lines(logs, FIRST_LINES)));
        feed = new LogFeed(this.#options.logs, logs, (lines) => viewer.send(frameOf('logs', lines)));
      }
      await viewer.closed;
    } finally {
      feed?.stop();
      signal?.removeEventListener('abort', end);
      this.#open.delete(open);
    }
  }

  public tellRestart(status: RestartStatus): void {
    if (this.#open.size > 0) this.#sendAll(frameOf('restart', status));
  }

  public tellSample(sample: HistorySample): void {
    if (this.#open.size > 0) this.#sendAll(frameOf('sample', sample));
  }

  /** The master has begun to stop: the last that viewers hear of it is that, and how its clusters end. */
  public tellStopping(): void {
    if (this.#open.size > 0) this.#sendAll(frameOf('stopping', {}));
  }

  /** Ends every stream. */
  public override async stop(): Promise<void> {
    await super.stop();
    for (const { viewer } of this.#open) viewer.end();
  }

  protected override async execute(): Promise<void> {
    const now = Date.now();
    for (const { viewer, expiresAt } of this.#open) if (expiresAt !== undefined && expiresAt <= now) viewer.end();
    if (this.#open.size > 0) this.#sendAll(frameOf('status', await this.#options.collect()));
  }

  #sendAll(frame: string): void {
    for (const { viewer } of this.#open) viewer.send(frame);
  }
}
