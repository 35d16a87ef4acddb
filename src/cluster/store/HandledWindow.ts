import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

export interface HandledWindowLimits {
  /** A command that runs for longer is not run again. In milliseconds; default 60 000. */
  readonly maxAgeMs: number;
  /** How many commands are remembered. The oldest are forgotten first. Default 1000. */
  readonly maxCommands: number;
  /** For how many dispatches a command is remembered: Discord's replay buffer is not endless. Default 5000. */
  readonly maxDispatches: number;
  /** With how many deaths a command is not run again: it may be what kills the processes. Default 2. */
  readonly maxRuns: number;
  /** The same where the last process was killed from outside, which is hardly a command's fault. Default 3. */
  readonly maxRunsIfKilled: number;
}

/** A command by its dispatch. With how often it has run, where that is not once. */
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
  /** How that process died. Default: nobody knows. */
  readonly death?: WindowDeath;
}

/** What is known of the end of the process that went on with the session before. */
export interface WindowDeath {
  /**
   * `explained`: it died of what it had on its stack, in this session or another one. What only waited is not to blame then,
   * however often it has run. `killed`: from outside, or nobody knows how. `unexplained`: any other end.
   */
  readonly cause: 'explained' | 'killed' | 'unexplained';
  /** The dispatch on its stack. A culprit is not run again. A suspect may be innocent, and is run once more. */
  readonly blamed?: Blamed | undefined;
  /** It had begun every dispatch up to this one, whether or not `handledSeq` says so. Default 0. */
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

/** As `runs`, says that a command is given up: whatever becomes of the next processes, none runs it. */
const GIVEN_UP = 99;

/**
 * Knows which dispatches of one session are handled: all up to a number, except for commands that have not finished. (TCP's
 * selective acknowledgement works alike.) After a crash the replay begins before the oldest of these. They run again, the
 * others do not.
 *
 * It knows nothing of packets, files or clocks.
 */
export class HandledWindow {
  readonly #limits: HandledWindowLimits;
  /** Commands that run in this process. Ascending, because they begin in the order of their dispatches. */
  readonly #running = new Map<number, Run>();
  /** Commands that ran in a process that is gone, and are to be run again. */
  readonly #lost = new Map<number, Run>();
  /** Commands that processes died of. They are replayed all the same, so that their users can be told. */
  readonly #givenUp = new Map<number, Run>();
  #handledSeq = 0;
  #cachedSeq = 0;
  /** Up to this one, the process that died had begun them, which counts as a run. 0 where something else is to blame. */
  #begunSeq = 0;
  /** Counts the sessions. Sequence numbers begin anew with each, and commands outlive them. */
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

  /** Begins with a new session. What ran in the old one cannot be replayed. */
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
        // It is not to blame for a death that something else explains.
        this.#lost.set(seq, { at, runs: cause === 'explained' ? Math.max(0, runs - 1) : runs });
        continue;
      }
      this.#givenUp.set(seq, { at, runs: GIVEN_UP });
      if (runs < GIVEN_UP) now.push(seq);
    }
    return now;
  }

  /** Whether a dispatch is not run again because processes died of it, and its user is still to be told. */
  public isGivenUp(seq: number): boolean {
    return this.#givenUp.has(seq);
  }

  /** How often a dispatch will have run after its next run, as far as that was written down. */
  public nextRun(seq: number): number {
    return (this.#lost.get(seq)?.runs ?? 0) + 1;
  }

  /**
   * Says what becomes of a dispatch. A new one is handled, and one that was lost with its process. One that another process
   * handled updates the cache only, where the cache of this process has missed it. The rest of a replay is skipped.
   */
  public verdict(seq: number): DispatchVerdict {
    if (this.#givenUp.has(seq)) return seq > this.#cachedSeq ? 'mute' : 'skip';
    if (seq > this.#handledSeq || this.#lost.has(seq)) return 'handle';
    return seq > this.#cachedSeq ? 'mute' : 'skip';
  }

  /** Notes that a dispatch was dealt with. Where its replay began no command, the bot has dropped it, for good. */
  public settle(seq: number): void {
    if (seq > this.#handledSeq) this.#handledSeq = seq;
    if (seq > this.#cachedSeq) this.#cachedSeq = seq;
    this.#lost.delete(seq);
    this.#givenUp.delete(seq);
  }

  /**
   * Notes that a command of this dispatch begins.
   *
   * @param at milliseconds on the steady clock.
   * @returns what is to be called when it has finished, once or more often. The session may have ended by then.
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

  /** A culprit that was handled would not run again anyway. It is replayed for its user, where Discord still has it. */
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
