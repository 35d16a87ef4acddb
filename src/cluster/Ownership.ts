/** Whether the shards are this process's. In every handover two processes run side by side, and one of them has the shards. */
export class Ownership {
  readonly #starts = new Set<(signal: AbortSignal) => void>();
  #owned: AbortController | undefined;

  /** @param onError what a `start` throws. */
  public constructor(private readonly onError: (error: unknown) => void) {}

  /**
   * Calls `start` whenever the shards become this process's, at once where they are.
   *
   * @param start gets a signal that fires when they become another process's, or this one stops.
   */
  public whileOwned(start: (signal: AbortSignal) => void): void {
    this.#starts.add(start);
    if (this.#owned !== undefined) this.#call(start, this.#owned.signal);
  }

  public gained(): void {
    if (this.#owned !== undefined) return;
    this.#owned = new AbortController();
    for (const start of this.#starts) this.#call(start, this.#owned.signal);
  }

  public lost(): void {
    this.#owned?.abort();
    this.#owned = undefined;
  }

  #call(start: (signal: AbortSignal) => void, signal: AbortSignal): void {
    try {
      start(signal);
    } catch (error) {
      this.onError(error);
    }
  }
}
