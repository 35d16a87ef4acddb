/**
 * When to commit. What cannot wait is committed at the end of the turn of the event loop. What can is too, if the last commit
 * was long enough ago, which costs little as the process is awake anyway; otherwise with a later dispatch that finds it so.
 * Only where nothing more comes, a timer does it: waking up a process for it costs more than the commit.
 */
export class CommitTimer {
  #lastAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** @param intervalMs between two commits that can wait; the timer waits for twice as long. */
  public constructor(
    private readonly intervalMs: number,
    private readonly commit: () => void,
  ) {}

  public now(): void {
    this.#immediate ??= setImmediate(this.commit);
  }

  public soon(): void {
    if (this.#immediate !== undefined) return;
    if (performance.now() - this.#lastAt >= this.intervalMs) {
      this.now();
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(this.commit, 2 * this.intervalMs);
      // It need not keep a process alive that has nothing else to do.
      this.#timer.unref();
    }
  }

  /** A commit has just been made, whatever for. */
  public done(): void {
    this.cancel();
    this.#lastAt = performance.now();
  }

  public cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}
