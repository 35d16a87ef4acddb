export interface BackoffOptions {
  /** Wait before the first retry. Default 0 ms: one crash is most often an accident, and the user is waiting. */
  readonly firstDelayMs?: number;
  /** Wait before the second retry; it doubles from there. Default 1000 ms. */
  readonly baseDelayMs?: number;
  /** No wait is longer. Default 60 000 ms. */
  readonly maxDelayMs?: number;
  /** 0 (inclusive) to 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * How long to wait before trying again: 0 s, 1 s, 2 s, 4 s ... 60 s.
 *
 * Each wait is cut by up to a quarter at random, so that those who failed together do not come back together. It owns no
 * timer: it answers a number, and the caller waits.
 */
export class Backoff {
  readonly #firstDelayMs: number;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #random: () => number;
  #failures = 0;

  public constructor(options: BackoffOptions = {}) {
    this.#firstDelayMs = options.firstDelayMs ?? 0;
    this.#baseDelayMs = options.baseDelayMs ?? 1000;
    this.#maxDelayMs = options.maxDelayMs ?? 60_000;
    this.#random = options.random ?? Math.random;
  }

  /** Failures that count, the last one included. */
  public get failures(): number {
    return this.#failures;
  }

  /** Counts one failure and says how long to wait before the next try, in milliseconds. */
  public nextDelayMs(): number {
    this.#failures++;
    const delayMs = this.#failures === 1 ? this.#firstDelayMs : this.#baseDelayMs * 2 ** (this.#failures - 2);
    return Math.round(Math.min(delayMs, this.#maxDelayMs) * (1 - this.#random() / 4));
  }

  /** It works now: the failures are forgotten. */
  public reset(): void {
    this.#failures = 0;
  }
}
