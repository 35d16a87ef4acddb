import type { ServerResponse } from 'node:http';
import type { HistorySample, LiveStatus, RestartStatus, StatusHistory } from '../../core/contracts/AdminApi.js';
import type { Logger } from '../../core/log/logger.js';
import { IntervalService } from '../../core/services/IntervalService.js';
import type { LogBook, LogSource } from './LogBook.js';
import { LogFeed } from './LogFeed.js';
import type { Login } from './Logins.js';
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
  /** The login of the viewer, whose end is that of the stream. Undefined for a viewer with the token. */
  readonly login: Pick<Login, 'ended' | 'expiresAt'> | undefined;
}

const INTERVAL_MS = 1_000;
const FIRST_LINES = 100;
/** More viewers than anybody has. The next one is refused. */
export const MAX_VIEWERS = 200;

interface Open {
  readonly viewer: Viewer;
  readonly expiresAt: number | undefined;
}

/** Sends live data to all viewers. Each state is collected and written as text once; without viewers nothing is. */
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
  public async view(response: ServerResponse, { headers, logs, login }: ViewOptions): Promise<void> {
    const viewer = new Viewer(response, headers);
    const open = { viewer, expiresAt: login?.expiresAt };
    this.#open.add(open);
    const end = (): void => viewer.end();
    login?.ended.addEventListener('abort', end, { once: true });
    // The login may have ended since the gate looked.
    if (login?.ended.aborted) end();
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
      login?.ended.removeEventListener('abort', end);
      this.#open.delete(open);
    }
  }

  public sendRestart(status: RestartStatus): void {
    if (this.#open.size > 0) this.#sendAll(frameOf('restart', status));
  }

  public sendSample(sample: HistorySample): void {
    if (this.#open.size > 0) this.#sendAll(frameOf('sample', sample));
  }

  /** Tells viewers that the master has begun to stop. They still see how its clusters end. */
  public sendStopping(): void {
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
