import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

export interface HandledWindowLimits {
  /** A command that has not finished by then is not run again. In milliseconds; default 60 s. */
  readonly maxAgeMs: number;
  /** So many commands are remembered; the oldest are forgotten first. Default 1000. */
  readonly maxCommands: number;
  /** A command so many dispatches ago is forgotten: Discord's replay buffer is not endless. Default 5000. */
  readonly maxDispatches: number;
}

/** What a process finds when it goes on with a session. */
export interface WindowPosition {
  /** Handlers were called for every dispatch up to this one, `unfinished` excepted. */
  readonly handledSeq: number;
  /** This process's cache holds what every dispatch up to this one says. */
  readonly cachedSeq: number;
  /** Commands that ended with the process that ran them. */
  readonly unfinished: readonly number[];
  /** When that was written down, in the milliseconds of `began()`. */
  readonly at: number;
}

const DEFAULT_LIMITS = {
  maxAgeMs: 60_000,
  maxCommands: 1_000,
  maxDispatches: 5_000,
} as const satisfies HandledWindowLimits;

/**
 * Which dispatches of one session are handled, like TCP's selective acknowledgement: all up to a number, except for commands
 * that have not finished. After a crash the replay begins before the oldest of these; they run again, the others do not.
 *
 * It knows nothing of packets, files or clocks.
 */
export class HandledWindow {
  readonly #limits: HandledWindowLimits;
  /** Run in this process, by the time they began. Ascending: they begin in the order of their dispatches. */
  readonly #running = new Map<number, number>();
  /** Were running in a process that is gone. */
  readonly #lost = new Map<number, number>();
  #handledSeq = 0;
  #cachedSeq = 0;
  /** Grows with every session: their numbers begin anew, and commands outlive them. */
  #session = 0;

  public constructor(limits: Partial<HandledWindowLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  public get handledSeq(): number {
    return this.#handledSeq;
  }

  /** RESUME is sent with this number; Discord replays what comes after it. */
  public get resumeSeq(): number {
    return Math.min(this.#handledSeq, this.#cachedSeq, ...[...this.#lost.keys()].map((seq) => seq - 1));
  }

  /** A new session: what ran in the old one cannot be replayed. */
  public begin(seq: number): void {
    this.#session++;
    this.#running.clear();
    this.#lost.clear();
    this.#handledSeq = seq;
    this.#cachedSeq = seq;
  }

  /** Goes on with a session. Commands of it that run in this process go on and are not run again. */
  public restore({ handledSeq, cachedSeq, unfinished, at }: WindowPosition): void {
    this.#handledSeq = handledSeq;
    this.#cachedSeq = cachedSeq;
    this.#lost.clear();
    for (const seq of [...unfinished].sort((a, b) => a - b)) if (!this.#running.has(seq)) this.#lost.set(seq, at);
  }

  /**
   * What becomes of a dispatch: a new one, or one that died with its process, is handled; one that was handled by a process
   * whose cache was not this one's only updates the cache; the rest of a replay is skipped.
   */
  public verdict(seq: number): DispatchVerdict {
    if (seq > this.#handledSeq || this.#lost.has(seq)) return 'handle';
    return seq > this.#cachedSeq ? 'mute' : 'skip';
  }

  /** After a dispatch was dealt with. A command whose replay did not begin again was dropped by the bot, and stays so. */
  public settle(seq: number): void {
    if (seq > this.#handledSeq) this.#handledSeq = seq;
    if (seq > this.#cachedSeq) this.#cachedSeq = seq;
    this.#lost.delete(seq);
  }

  /**
   * A command of this dispatch begins.
   *
   * @returns to be called when it has finished, once or more often. It may come after the session's end.
   */
  public began(seq: number, at: number): () => void {
    const session = this.#session;
    this.#running.set(seq, at);
    return () => {
      if (session === this.#session) this.#running.delete(seq);
    };
  }

  /** Commands that would have to run again if the process ended now, ascending. Forgets those beyond the limits. */
  public unfinished(now: number): number[] {
    this.#forget(this.#running, now);
    this.#forget(this.#lost, now);
    if (this.#running.size === 0 && this.#lost.size === 0) return [];
    return [...new Set([...this.#lost.keys(), ...this.#running.keys()])].sort((a, b) => a - b);
  }

  #forget(commands: Map<number, number>, now: number): void {
    const { maxAgeMs, maxCommands, maxDispatches } = this.#limits;
    for (const [seq, at] of commands) {
      if (now - at <= maxAgeMs && commands.size <= maxCommands && this.#handledSeq - seq <= maxDispatches) return;
      commands.delete(seq);
    }
  }
}
