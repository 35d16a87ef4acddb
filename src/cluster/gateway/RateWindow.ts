/** Counts what happened in the last `intervalMs`, of which at most `limit` may. Knows no clock: it is told the time. */
export class RateWindow {
  readonly #times: number[] = [];

  public constructor(
    private readonly limit: number,
    private readonly intervalMs: number,
  ) {}

  /** @returns how long to wait until one more may happen and `reserved` more could, in milliseconds. */
  public delayMs(now: number, reserved: number): number {
    const allowed = this.limit - reserved;
    const oldest = this.#times.at(-allowed);
    return oldest === undefined ? 0 : Math.max(0, oldest + this.intervalMs - now);
  }

  public note(now: number): void {
    this.#times.push(now);
    if (this.#times.length > this.limit) this.#times.shift();
  }
}
