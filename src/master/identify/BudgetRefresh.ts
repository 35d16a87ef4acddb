import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import type { Logger } from '../../core/log/logger.js';
import { Backoff } from '../../core/time/backoff.js';
import type { Clock } from '../../core/time/clock.js';
import type { IdentifyBudget } from './IdentifyBudget.js';

export interface BudgetRefreshOptions {
  readonly budget: IdentifyBudget;
  readonly ask: (signal: AbortSignal) => Promise<SessionStartLimit>;
  /** Called when the budget holds Discord's numbers, or with undefined when the request has failed. */
  readonly onAnswer: (limit: SessionStartLimit | undefined) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Asks Discord for its numbers when those at hand are outdated, or when somebody wants them. One request at a time, with growing
 * pauses while requests fail or the answer helps nobody. It sets no timer: whoever waits looks at {@link nextAt}.
 */
export class BudgetRefresh {
  readonly #options: BudgetRefreshOptions;
  readonly #backoff: Backoff;
  readonly #stopped = new AbortController();
  #isUnderWay = false;
  #isWanted = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  #usedMeanwhile = 0;

  public constructor(options: BudgetRefreshOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ firstDelayMs: 1000, baseDelayMs: 2000 });
  }

  /** When the next request may be made, on the clock's `now()`. Undefined while one is under way. */
  public get nextAt(): number | undefined {
    return this.#isUnderWay ? undefined : this.#notBefore;
  }

  /** Whether {@link want} was called, and Discord has not answered since. */
  public get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Has Discord asked even where the numbers at hand are not outdated. */
  public want(): void {
    this.#isWanted = true;
  }

  public askIfNeeded(): void {
    const { budget, clock } = this.#options;
    if (!this.#isWanted && !budget.isOutdated) return;
    if (this.#isUnderWay || clock.now() < this.#notBefore || this.#stopped.signal.aborted) return;
    this.#isUnderWay = true;
    this.#usedMeanwhile = 0;
    void this.#ask();
  }

  /** An IDENTIFY was used. While a request is under way nobody knows whether its answer will count that one. */
  public noteUse(): void {
    if (this.#isUnderWay) this.#usedMeanwhile++;
  }

  /** Gives up a request that is under way. */
  public stop(): void {
    this.#stopped.abort(new Error('the identify queue has stopped'));
  }

  async #ask(): Promise<void> {
    const { budget, ask, clock, logger, onAnswer } = this.#options;
    let limit: SessionStartLimit | undefined;
    let failure: unknown;
    try {
      limit = await ask(this.#stopped.signal);
    } catch (error) {
      failure = error;
    }
    if (this.#stopped.signal.aborted) return;
    if (limit !== undefined) {
      this.#isWanted = false;
      budget.open(limit);
      for (let i = 0; i < this.#usedMeanwhile; i++) budget.use();
      if (!budget.isOutdated) this.#backoff.reset();
    }
    const delayMs = this.#backoff.nextDelayMs();
    if (limit === undefined) {
      const seconds = Math.round(delayMs / 1000);
      logger.warn(
        { err: failure },
        `cannot ask Discord for the identify budget; trying again, in ${seconds} s at the earliest`,
      );
    }
    this.#isUnderWay = false;
    this.#notBefore = clock.now() + delayMs;
    onAnswer(limit);
  }
}
