/** How much too early Node may fire a timer, in milliseconds: it rounds both of its clock readings down. */
const EARLY_MS = 1;
/** The longest delay of Node's timers, in milliseconds. A timer with a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One timer for many deadlines. It is set for the earliest one, and not cleared when that request is answered. Nearly all
 * requests are answered long before their deadline, and a timer for each of them costs a tenth of a round trip.
 */
export class DeadlineTimer {
  readonly #onDue: (now: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #setFor = Number.POSITIVE_INFINITY;

  /**
   * @param onDue Deals with every deadline up to `now`, and returns the next one or infinity. On the clock of `performance.now`.
   */
  public constructor(onDue: (now: number) => number) {
    this.#onDue = onDue;
  }

  /** Adds a deadline, on the clock of `performance.now`. */
  public add(deadline: number): void {
    if (deadline < this.#setFor) this.#set(deadline);
  }

  public stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#setFor = Number.POSITIVE_INFINITY;
  }

  #set(deadline: number): void {
    this.stop();
    if (deadline === Number.POSITIVE_INFINITY) return;
    this.#setFor = deadline;
    const delay = Math.min(LONGEST_MS, Math.max(0, Math.ceil(deadline - performance.now())));
    // A connection keeps the process alive; a deadline does not.
    this.#timer = setTimeout(() => this.#fire(), delay).unref();
  }

  #fire(): void {
    this.#setFor = Number.POSITIVE_INFINITY;
    const next = this.#onDue(performance.now() + EARLY_MS);
    // `#setFor` is read after `onDue`, which may have added a deadline.
    this.#set(Math.min(this.#setFor, next));
  }
}
