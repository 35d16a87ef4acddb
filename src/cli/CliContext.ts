import { setTimeout as delay } from 'node:timers/promises';
import { RemoteError } from '../core/errors.js';
import { messageOf } from '../core/text/messageOf.js';
import { AdminClient, type AdminEvent } from './AdminClient.js';
import { findMaster, type MasterLocation, type MasterOptions } from './findMaster.js';
import { type CliIo, Screen } from './Screen.js';

/** Options that every command takes. */
export interface GlobalOptions extends MasterOptions {
  readonly json?: boolean;
  /** By `--no-color`. */
  readonly color?: boolean;
  readonly verbose?: boolean;
}

/** The connection to the events is lost, and is being tried again. */
export interface Lost {
  readonly name: 'lost';
  readonly reason: string;
}

const RETRY_MS = 500;

/** What a command works with: its options, the streams of its process, and the master that it operates. */
export class CliContext {
  public readonly options: GlobalOptions;
  public readonly screen: Screen;
  public readonly signal: AbortSignal;
  public readonly io: CliIo;

  public constructor(io: CliIo, options: GlobalOptions) {
    this.io = io;
    this.options = options;
    this.screen = new Screen(io, options.color !== false);
    this.signal = io.signal;
  }

  public get isJson(): boolean {
    return this.options.json === true;
  }

  /** Prints the result: with `--json` the value, otherwise the text. */
  public show(value: unknown, text: () => string): void {
    if (this.isJson) this.screen.json(value);
    else this.screen.print(text());
  }

  /** @throws CliError if no master runs. */
  public find(): MasterLocation {
    return findMaster(this.options, this.io.env);
  }

  /** @throws CliError if no master runs. */
  public connect(): AdminClient {
    return new AdminClient(this.find());
  }

  /**
   * Yields the master's events for as long as the reader wants. After a lost connection it looks for the master again, also for a
   * new one on another port, and yields one {@link Lost} for each loss.
   *
   * @throws if the first connection fails, or a master refuses.
   */
  public async *follow(query: { readonly logs?: string } = {}): AsyncGenerator<AdminEvent | Lost> {
    let wasConnected = false;
    let isLost = false;
    for (;;) {
      let reason = 'the master has ended its stream';
      try {
        for await (const event of this.connect().events(query, this.signal)) {
          wasConnected = true;
          isLost = false;
          yield event;
        }
      } catch (error) {
        const isFinal = error instanceof RemoteError && !error.retryable;
        if (!wasConnected || this.signal.aborted || isFinal) throw error;
        reason = messageOf(error);
      }
      if (!isLost) yield { name: 'lost', reason };
      isLost = true;
      await delay(RETRY_MS, undefined, { signal: this.signal });
    }
  }
}
