import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

export interface HandledWindowLimits {
  /** A command that has not finished by then is not run again. In milliseconds; default 60 s. */
  readonly maxAgeMs: number;
  /** So many commands are remembered; the oldest are forgotten first. Default 1000. */
  readonly maxCommands: number;
  /** A command so many dispatches ago is forgotten: Discord's replay buffer is not endless. Default 5000. */
  readonly maxDispatches: number;
  /** A command that so many processes died with is not run again: it may be what kills them. Default 3. */
  readonly maxRuns: number;
}

/** A command by its dispatch; with how often it has run, where that is more than once. */
export type Unfinished = number | readonly [seq: number, runs: number];

/** What a process finds when it goes on with a session. */
export interface WindowPosition {
  /** Handlers were called for every dispatch up to this one, `unfinished` excepted. */
  readonly handledSeq: number;
  /** This process's cache holds what every dispatch up to this one says. */
  readonly cachedSeq: number;
  /** Commands that ended with the process that ran them. */
  readonly unfinished: readonly Unfinished[];
  /** When that was written down, in the milliseconds of `commandStarted()`. */
  readonly at: number;
}

interface Run {
  readonly at: number;
  /** How often it has run, this time included. */
  readonly runs: number;
}

const DEFAULT_LIMITS = {
  maxAgeMs: 60_000,
  maxCommands: 1_000,
  maxDispatches: 5_000,
  maxRuns: 3,
} as const satisfies HandledWindowLimits;

/**
 * Which dispatches of one session are handled, like TCP's selective acknowledgement: all up to a number, except for commands
 * that have not finished. After a crash the replay begins before the oldest of these; they run again, the others do not.
 *
 * It knows nothing of packets, files or clocks.
 */
export class HandledWindow {
  readonly #limits: HandledWindowLimits;
  /** Run in this process. Ascending: they begin in the order of their dispatches. */
  readonly #running = new Map<number, Run>();
  /** Were running in a process that is gone. */
  readonly #lost = new Map<number, Run>();
  /** Too many processes died while they ran. */
  readonly #dropped = new Set<number>();
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
    this.#dropped.clear();
    this.#handledSeq = seq;
    this.#cachedSeq = seq;
  }

  /**
   * Goes on with a session. Commands of it that run in this process go on and are not run again.
   *
   * @returns commands that are given up, because too many processes died while they ran.
   */
  public restore({ handledSeq, cachedSeq, unfinished, at }: WindowPosition): readonly number[] {
    this.#handledSeq = handledSeq;
    this.#cachedSeq = cachedSeq;
    this.#lost.clear();
    this.#dropped.clear();
    const runs = new Map(unfinished.map((entry) => (typeof entry === 'number' ? [entry, 1] : entry)));
    for (const seq of [...runs.keys()].sort((a, b) => a - b)) {
      if (this.#running.has(seq)) continue;
      if ((runs.get(seq) ?? 1) >= this.#limits.maxRuns) this.#dropped.add(seq);
      else this.#lost.set(seq, { at, runs: runs.get(seq) ?? 1 });
    }
    return [...this.#dropped];
  }

  /**
   * What becomes of a dispatch: a new one, or one that died with its process, is handled; one that was handled by a process
   * whose cache was not this one's only updates the cache; the rest of a replay is skipped.
   */
  public verdict(seq: number): DispatchVerdict {
    if (this.#dropped.has(seq)) return seq > this.#cachedSeq ? 'mute' : 'skip';
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
  public commandStarted(seq: number, at: number): () => void {
    const session = this.#session;
    this.#running.set(seq, { at, runs: (this.#lost.get(seq)?.runs ?? 0) + 1 });
    return () => {
      if (session === this.#session) this.#running.delete(seq);
    };
  }

  /** Commands that would have to run again if the process ended now, ascending. Forgets those beyond the limits. */
  public unfinished(now: number): Unfinished[] {
    this.#forget(this.#running, now);
    this.#forget(this.#lost, now);
    if (this.#running.size === 0 && this.#lost.size === 0) return [];
    return [...new Map([...this.#lost, ...this.#running])]
      .sort(([a], [b]) => a - b)
      .map(([seq, { runs }]) => (runs === 1 ? seq : [seq, runs]));
  }

  #forget(commands: Map<number, Run>, now: number): void {
    const { maxAgeMs, maxCommands, maxDispatches } = this.#limits;
    for (const [seq, { at }] of commands) {
      if (now - at <= maxAgeMs && commands.size <= maxCommands && this.#handledSeq - seq <= maxDispatches) return;
      commands.delete(seq);
    }
  }
}
