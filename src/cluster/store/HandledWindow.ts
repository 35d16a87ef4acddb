import { GIVEN_UP } from '../dispatch/Dispatch.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';

/** A dispatch that Discord will repeat: how often it has run, and with how many deaths (see `DispatchFacts`). */
export type Repeated = readonly [seq: number, runs: number, deaths: number];

/** What a process finds when it goes on with a session. */
export interface WindowPosition {
  /** Handlers were called for every dispatch up to this one. */
  readonly handledSeq: number;
  /** This process's cache holds what every dispatch up to this one says. */
  readonly cachedSeq: number;
  /** Dispatches after `handledSeq`. One that is given up has GIVEN_UP deaths. */
  readonly repeated?: readonly Repeated[];
  /** The last process had begun every dispatch up to this one. Default 0: nobody knows of any. */
  readonly begunSeq?: number;
  /** Whether its death is held against these. Default true. */
  readonly isDeathCounted?: boolean;
}

/**
 * Knows which dispatches of one session are handled. RESUME is sent with the last of them, and Discord repeats the others. What
 * goes on of those that are handled is not its concern: see `UnfinishedWork`.
 *
 * It knows nothing of packets, files or clocks.
 */
export class HandledWindow {
  readonly #repeated = new Map<number, Repeated>();
  #handledSeq = 0;
  #cachedSeq = 0;
  #begunSeq = 0;
  #isDeathCounted = true;

  public get handledSeq(): number {
    return this.#handledSeq;
  }

  /** RESUME is sent with this number; Discord repeats what comes after it. */
  public get resumeSeq(): number {
    return Math.min(this.#handledSeq, this.#cachedSeq);
  }

  /** See `WindowPosition.repeated`. */
  public get repeated(): readonly Repeated[] {
    return [...this.#repeated.values()];
  }

  /** Begins with a new session. */
  public begin(seq: number): void {
    this.restore({ handledSeq: seq, cachedSeq: seq });
  }

  /** Goes on with a session. */
  public restore({ handledSeq, cachedSeq, repeated = [], begunSeq = 0, isDeathCounted = true }: WindowPosition): void {
    this.#handledSeq = handledSeq;
    this.#cachedSeq = cachedSeq;
    this.#begunSeq = begunSeq;
    this.#isDeathCounted = isDeathCounted;
    this.#repeated.clear();
    for (const tries of repeated) if (tries[0] > handledSeq) this.#repeated.set(tries[0], tries);
  }

  /** Whether a dispatch is not run again because processes died of it, and its user is still to be told. */
  public isGivenUp(seq: number): boolean {
    return this.#repeated.get(seq)?.[2] === GIVEN_UP;
  }

  /** What is known of earlier runs of a dispatch. */
  public triesOf(seq: number): { readonly runs: number; readonly deaths: number } {
    const isBegun = seq > this.#handledSeq && seq <= this.#begunSeq;
    const [, runs = 0, deaths = 0] = this.#repeated.get(seq) ?? [];
    return { runs: Math.max(isBegun ? 1 : 0, runs), deaths: Math.max(isBegun && this.#isDeathCounted ? 1 : 0, deaths) };
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
    this.#repeated.delete(seq);
  }
}
