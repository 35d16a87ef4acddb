/** Node fires a timer up to this much before its time, in milliseconds (it rounds both of its clock readings down). */
const EARLY_MS = 1;
/** The longest delay that Node knows; with a longer one it would fire at once. In milliseconds. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * One timer for many deadlines. It is set for the earliest and left alone when what it was for is done: nearly all requests are
 * answered long before their deadline, and a timer for each of them, made and cleared, costs a tenth of a round trip.
 */
export class DeadlineTimer {
  readonly #onDue: (now: number) => number;
  #timer: NodeJS.Timeout | undefined;
  #setFor = Number.POSITIVE_INFINITY;

  /**
   * @param onDue Deals with every deadline up to `now` and returns the next one, or infinity. On the clock of `performance.now`.
   */
  public constructor(onDue: (now: number) => number) {
    this.#onDue = onDue;
  }

  /** Something is to be over by then. */
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
    // The connection keeps the process alive, not the time that somebody would wait on it.
    this.#timer = setTimeout(() => this.#fire(), delay).unref();
  }

  #fire(): void {
    this.#setFor = Number.POSITIVE_INFINITY;
    const next = this.#onDue(performance.now() + EARLY_MS);
    // Read after that: it may have added one.
    this.#set(Math.min(this.#setFor, next));
  }
}
