/** Fires when nothing has happened for `timeoutMs`, once. */
export class Watchdog {
  #timer: NodeJS.Timeout | null = null;

  public constructor(
    private readonly timeoutMs: number,
    private readonly fire: () => void,
  ) {}

  public start(): void {
    this.stop();
    this.#timer = setTimeout(this.fire, this.timeoutMs);
  }

  /** Something has happened: it begins to count anew, if it counts at all. */
  public touch(): void {
    this.#timer?.refresh();
  }

  public stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
