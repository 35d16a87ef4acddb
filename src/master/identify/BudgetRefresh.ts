import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import type { Logger } from '../../core/log/logger.js';
import { Backoff } from '../../core/time/backoff.js';
import type { Clock } from '../../core/time/clock.js';
import type { IdentifyBudget } from './IdentifyBudget.js';

export interface BudgetRefreshOptions {
  readonly budget: IdentifyBudget;
  readonly ask: (signal: AbortSignal) => Promise<SessionStartLimit>;
  /** The budget holds Discord's numbers now; or (undefined) the question has failed. */
  readonly onAnswer: (limit: SessionStartLimit | undefined) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Asks Discord for the numbers of a new window when those of the last are outdated: one question at a time, with growing
 * pauses while it fails or the answer helps nobody. It sets no timer: whoever waits looks at {@link nextAt}.
 */
export class BudgetRefresh {
  readonly #options: BudgetRefreshOptions;
  readonly #backoff: Backoff;
  readonly #stopped = new AbortController();
  #isUnderWay = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  #usedMeanwhile = 0;

  public constructor(options: BudgetRefreshOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ clock: options.clock, firstDelayMs: 1000, baseDelayMs: 2000 });
  }

  /** When the next question may be asked, on the clock's `now()`; undefined while one is under way. */
  public get nextAt(): number | undefined {
    return this.#isUnderWay ? undefined : this.#notBefore;
  }

  public askIfOutdated(): void {
    const { budget, clock } = this.#options;
    if (!budget.isOutdated || this.#isUnderWay || clock.now() < this.#notBefore || this.#stopped.signal.aborted) return;
    this.#isUnderWay = true;
    this.#usedMeanwhile = 0;
    void this.#ask();
  }

  /** An IDENTIFY was used. While a question is under way nobody knows whether its answer will hold that one. */
  public noteUse(): void {
    if (this.#isUnderWay) this.#usedMeanwhile++;
  }

  /** Gives a question under way up. */
  public stop(): void {
    this.#stopped.abort(new Error('the identify queue has stopped'));
  }

  async #ask(): Promise<void> {
    const { budget, ask, clock, logger, onAnswer } = this.#options;
    let limit: SessionStartLimit | undefined;
    try {
      limit = await ask(this.#stopped.signal);
    } catch (error) {
      if (!this.#stopped.signal.aborted)
        logger.warn({ err: error }, 'cannot ask Discord for the new identify budget; trying again');
    }
    if (this.#stopped.signal.aborted) return;
    if (limit !== undefined) {
      budget.open(limit);
      for (let i = 0; i < this.#usedMeanwhile; i++) budget.use();
      if (!budget.isOutdated) this.#backoff.reset();
    }
    this.#isUnderWay = false;
    this.#notBefore = clock.now() + this.#backoff.nextDelayMs();
    onAnswer(limit);
  }
}
