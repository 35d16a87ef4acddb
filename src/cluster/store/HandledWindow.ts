import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

export interface HandledWindowLimits {
  /** A command that has not finished by then is not run again. In milliseconds; default 60 s. */
  readonly maxAgeMs: number;
  /** So many commands are remembered; the oldest are forgotten first. Default 1000. */
  readonly maxCommands: number;
  /** A command so many dispatches ago is forgotten: Discord's replay buffer is not endless. Default 5000. */
  readonly maxDispatches: number;
  /** A command that so many processes died with is not run again: it may be what kills them. Default 2. */
  readonly maxRuns: number;
  /** The same where the last of them was killed from outside, which is hardly a command's fault. Default 3. */
  readonly maxRunsIfKilled: number;
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
  /** How the process ended; by default nobody knows. */
  readonly death?: WindowDeath;
}

/** What is known of the end of the process that went on with the session before. */
export interface WindowDeath {
  /**
   * `explained`: by what it had on its stack, in this session or another one. So what only waited is not to blame, however
   * often. `killed`: from outside, or nobody knows how.
   */
  readonly cause: 'explained' | 'killed' | 'unexplained';
  /** This dispatch was on its stack: a culprit is not run again, a suspect may be innocent and is run once more. */
  readonly blamed?: Blamed | undefined;
  /** It had begun every dispatch up to this one, whether or not that is in `handledSeq`. Default 0. */
  readonly begunSeq?: number | undefined;
}

export interface Blamed {
  readonly verdict: 'culprit' | 'suspect';
  readonly seq: number;
  /** How often it has run. */
  readonly runs: number;
  /** When it came, in the milliseconds of `began()`. */
  readonly since: number;
}

interface Run {
  readonly at: number;
  /** How often it has run, this time included. */
  readonly runs: number;
}

const NO_DEATH: WindowDeath = { cause: 'killed' };

const DEFAULT_LIMITS = {
  maxAgeMs: 60_000,
  maxCommands: 1_000,
  maxDispatches: 5_000,
  maxRuns: 2,
  maxRunsIfKilled: 3,
} as const satisfies HandledWindowLimits;

/** Stands for `runs` of a command that is given up: whatever becomes of the next processes, none runs it. */
const GIVEN_UP = 99;

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
  /** Processes died of them. They are replayed all the same, so that their users can be told. */
  readonly #givenUp = new Map<number, Run>();
  #handledSeq = 0;
  #cachedSeq = 0;
  /** Begun by the process that died, for which they are counted as run; 0 where something else is to blame for its death. */
  #begunSeq = 0;
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
    const again = [...this.#lost.keys(), ...this.#givenUp.keys()];
    return Math.min(this.#handledSeq, this.#cachedSeq, ...again.map((seq) => seq - 1));
  }

  /** A new session: what ran in the old one cannot be replayed. */
  public begin(seq: number): void {
    this.#session++;
    this.#running.clear();
    this.#lost.clear();
    this.#givenUp.clear();
    this.#begunSeq = 0;
    this.#handledSeq = seq;
    this.#cachedSeq = seq;
  }

  /**
   * Goes on with a session. Commands of it that run in this process go on and are not run again.
   *
   * @returns commands that are given up now, because too many processes died while they ran.
   */
  public restore({ handledSeq, cachedSeq, unfinished, at, death = NO_DEATH }: WindowPosition): readonly number[] {
    this.#handledSeq = handledSeq;
    this.#cachedSeq = cachedSeq;
    this.#lost.clear();
    this.#givenUp.clear();
    const { cause, blamed, begunSeq = 0 } = death;
    this.#begunSeq = cause === 'explained' ? 0 : begunSeq;
    const { maxRuns, maxRunsIfKilled } = this.#limits;
    const limit = { explained: GIVEN_UP, killed: maxRunsIfKilled, unexplained: maxRuns }[cause];
    const runsOf = new Map(unfinished.map((entry) => (typeof entry === 'number' ? [entry, 1] : entry)));
    if (blamed !== undefined && (blamed.seq > handledSeq || runsOf.has(blamed.seq) || this.#isToBeTold(blamed, at))) {
      runsOf.set(
        blamed.seq,
        blamed.verdict === 'culprit' ? GIVEN_UP : Math.max(blamed.runs, runsOf.get(blamed.seq) ?? 1),
      );
    }
    const now: number[] = [];
    for (const [seq, runs] of [...runsOf].sort(([a], [b]) => a - b)) {
      if (this.#running.has(seq)) continue;
      if (runs < limit) {
        // What another one is to blame for is not held against it.
        this.#lost.set(seq, { at, runs: cause === 'explained' ? Math.max(0, runs - 1) : runs });
        continue;
      }
      this.#givenUp.set(seq, { at, runs: GIVEN_UP });
      if (runs < GIVEN_UP) now.push(seq);
    }
    return now;
  }

  /** Whether a dispatch is not run again because processes died of it: then its user has not been told yet. */
  public isGivenUp(seq: number): boolean {
    return this.#givenUp.has(seq);
  }

  /** How often a dispatch will have run with the next time, as far as that was written down. */
  public nextRun(seq: number): number {
    return (this.#lost.get(seq)?.runs ?? 0) + 1;
  }

  /**
   * What becomes of a dispatch: a new one, or one that died with its process, is handled; one that was handled by a process
   * whose cache was not this one's only updates the cache; the rest of a replay is skipped.
   */
  public verdict(seq: number): DispatchVerdict {
    if (this.#givenUp.has(seq)) return seq > this.#cachedSeq ? 'mute' : 'skip';
    if (seq > this.#handledSeq || this.#lost.has(seq)) return 'handle';
    return seq > this.#cachedSeq ? 'mute' : 'skip';
  }

  /** After a dispatch was dealt with. A command whose replay did not begin again was dropped by the bot, and stays so. */
  public settle(seq: number): void {
    if (seq > this.#handledSeq) this.#handledSeq = seq;
    if (seq > this.#cachedSeq) this.#cachedSeq = seq;
    this.#lost.delete(seq);
    this.#givenUp.delete(seq);
  }

  /**
   * A command of this dispatch begins.
   *
   * @returns to be called when it has finished, once or more often. It may come after the session's end.
   */
  public commandStarted(seq: number, at: number): () => void {
    const session = this.#session;
    const isAgain = seq > this.#handledSeq && seq <= this.#begunSeq;
    this.#running.set(seq, { at, runs: Math.max(isAgain ? 2 : 1, this.nextRun(seq)) });
    return () => {
      if (session === this.#session) this.#running.delete(seq);
    };
  }

  /** Whether commands of this process run. */
  public get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /**
   * Commands that would have to run again, or be given up, if the process ended now, ascending. Forgets those beyond the limits.
   *
   * @param end how it would end. A planned stop is not held against the commands that run: this run does not count.
   */
  public unfinished(now: number, end: 'death' | 'stop' = 'death'): Unfinished[] {
    for (const commands of [this.#running, this.#lost, this.#givenUp]) this.#forget(commands, now);
    if (this.#running.size + this.#lost.size + this.#givenUp.size === 0) return [];
    return [...new Map([...this.#lost, ...this.#givenUp, ...this.#running])]
      .sort(([a], [b]) => a - b)
      .map(([seq, run]) => {
        const runs = end === 'stop' && this.#running.get(seq) === run ? run.runs - 1 : run.runs;
        return runs === 1 ? seq : [seq, runs];
      });
  }

  /** One that was handled would not run again anyway; its user is told all the same, where Discord can still repeat it. */
  #isToBeTold({ verdict, seq, since }: Blamed, now: number): boolean {
    const { maxAgeMs, maxDispatches } = this.#limits;
    return verdict === 'culprit' && now - since <= maxAgeMs && this.#handledSeq - seq <= maxDispatches;
  }

  #forget(commands: Map<number, Run>, now: number): void {
    const { maxAgeMs, maxCommands, maxDispatches } = this.#limits;
    for (const [seq, { at }] of commands) {
      if (now - at <= maxAgeMs && commands.size <= maxCommands && this.#handledSeq - seq <= maxDispatches) return;
      commands.delete(seq);
    }
  }
}
