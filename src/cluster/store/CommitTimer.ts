/** When the next commit is due: at the end of this turn of the event loop, or after a delay. However often asked, once. */
export class CommitTimer {
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  public constructor(
    private readonly delayMs: number,
    private readonly commit: () => void,
  ) {}

  public now(): void {
    this.#immediate ??= setImmediate(() => this.#fire());
  }

  /** Does not keep the process alive. */
  public soon(): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return;
    this.#timer = setTimeout(() => this.#fire(), this.delayMs);
    this.#timer.unref();
  }

  public cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #fire(): void {
    this.cancel();
    this.commit();
  }
}
