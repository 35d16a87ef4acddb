import { setTimeout as delay } from 'node:timers/promises';
import { RemoteError } from '../core/errors.js';
import { messageOf } from '../core/text/messageOf.js';
import { AdminClient, type AdminEvent } from './AdminClient.js';
import type { CliIo } from './CliIo.js';
import { findMaster, type MasterLocation, type MasterOptions } from './findMaster.js';
import { Screen } from './Screen.js';

/** Options that every command takes. */
export interface GlobalOptions extends MasterOptions {
  readonly json?: boolean;
  /** By `--no-color`. */
  readonly color?: boolean;
  readonly verbose?: boolean;
}

/** The connection to the events was lost, and is tried again. */
export interface Lost {
  readonly name: 'lost';
  readonly reason: string;
}

const RETRY_MS = 500;

/** One run of one command: what it was told, where it writes, and the master that it speaks to. */
export class Session {
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

  /** @throws CliError where no master runs. */
  public find(): MasterLocation {
    return findMaster(this.options, this.io.env);
  }

  /** @throws CliError where no master runs. */
  public connect(): AdminClient {
    return new AdminClient(this.find());
  }

  /**
   * The master's events, for as long as the reader wants. A master that is lost is looked for again, also a new one on
   * another port: each loss is told once, as {@link Lost}. Throws where the first connection fails, and where a master refuses.
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
