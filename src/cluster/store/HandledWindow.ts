import { GIVEN_UP } from '../dispatch/Dispatch.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

/** How often dispatches have run that Discord will repeat. */
export type Runs = readonly (readonly [seq: number, runs: number])[];

/** What a process finds when it goes on with a session. */
export interface WindowPosition {
  /** Handlers were called for every dispatch up to this one. */
  readonly handledSeq: number;
  /** This process's cache holds what every dispatch up to this one says. */
  readonly cachedSeq: number;
  /** Of dispatches after `handledSeq`. One that is given up has GIVEN_UP. */
  readonly runs?: Runs;
  /** The last process had begun every dispatch up to this one, which counts as a run. Default 0: nobody knows of any. */
  readonly begunSeq?: number;
}

/**
 * Knows which dispatches of one session are handled. RESUME is sent with the last of them, and Discord repeats the others. What
 * goes on of those that are handled is not its concern: see `UnfinishedWork`.
 *
 * It knows nothing of packets, files or clocks.
 */
export class HandledWindow {
  readonly #runs = new Map<number, number>();
  #handledSeq = 0;
  #cachedSeq = 0;
  #begunSeq = 0;

  public get handledSeq(): number {
    return this.#handledSeq;
  }

  /** RESUME is sent with this number; Discord repeats what comes after it. */
  public get resumeSeq(): number {
    return Math.min(this.#handledSeq, this.#cachedSeq);
  }

  /** See `WindowPosition.runs`. */
  public get runs(): Runs {
    return [...this.#runs];
  }

  /** Begins with a new session. */
  public begin(seq: number): void {
    this.restore({ handledSeq: seq, cachedSeq: seq });
  }

  /** Goes on with a session. */
  public restore({ handledSeq, cachedSeq, runs = [], begunSeq = 0 }: WindowPosition): void {
    this.#handledSeq = handledSeq;
    this.#cachedSeq = cachedSeq;
    this.#begunSeq = begunSeq;
    this.#runs.clear();
    for (const [seq, count] of runs) if (seq > handledSeq) this.#runs.set(seq, count);
  }

  /** Whether a dispatch is not run again because processes died of it, and its user is still to be told. */
  public isGivenUp(seq: number): boolean {
    return this.#runs.get(seq) === GIVEN_UP;
  }

  /** How often a dispatch will have run after its next run, as far as anybody knows. */
  public nextRun(seq: number): number {
    const begun = seq > this.#handledSeq && seq <= this.#begunSeq ? 1 : 0;
    return Math.max(begun, this.#runs.get(seq) ?? 0) + 1;
  }

  /**
   * Says what becomes of a dispatch. A new one is handled. One that another process handled updates the cache only, where the
   * cache of this process has missed it. The rest of a replay is skipped.
   */
  public verdict(seq: number): DispatchVerdict {
    if (seq > this.#handledSeq && !this.isGivenUp(seq)) return 'handle';
    return seq > this.#cachedSeq ? 'mute' : 'skip';
  }

  /** Notes that a dispatch was dealt with. */
  public settle(seq: number): void {
    if (seq > this.#handledSeq) this.#handledSeq = seq;
    if (seq > this.#cachedSeq) this.#cachedSeq = seq;
    this.#runs.delete(seq);
  }
}
