import type { Clock } from '../../core/time/clock.js';

/**
 * Knows when each key (`shardId % maxConcurrency`) was last used, and so when it may be used next.
 *
 * Moments are kept on the clock that never jumps. Only what is stored is in wall time.
 */
export class IdentifyWindows {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #usedAt = new Map<number, number>();
  #maxConcurrency = 1;
  /** The moment of every key that has none of its own. */
  #floor = Number.NEGATIVE_INFINITY;

  public constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  public get maxConcurrency(): number {
    return this.#maxConcurrency;
  }

  public keyOf(shardId: number): number {
    return shardId % this.#maxConcurrency;
  }

  /** The moment from which this shard's key is free, on the clock's `now()`. */
  public nextAt(shardId: number): number {
    return (this.#usedAt.get(this.keyOf(shardId)) ?? this.#floor) + this.#intervalMs;
  }

  public markUsed(shardId: number): void {
    this.#usedAt.set(this.keyOf(shardId), this.#clock.now());
  }

  /** Takes another `maxConcurrency`. Nobody can say which old key a new one follows, so the latest moment counts for all. */
  public resize(maxConcurrency: number): void {
    if (maxConcurrency === this.#maxConcurrency) return;
    this.#floor = Math.max(this.#floor, ...this.#usedAt.values());
    this.#usedAt.clear();
    this.#maxConcurrency = maxConcurrency;
  }

  /** Takes what {@link store} returned to an earlier master. A moment in the future counts as now: the wall clock was set back. */
  public restore(maxConcurrency: number, usedAt: Readonly<Record<string, number>>): void {
    this.resize(maxConcurrency);
    for (const [key, wallTime] of Object.entries(usedAt)) {
      this.#usedAt.set(Number(key), this.#clock.now() - Math.max(0, this.#clock.wallNow() - wallTime));
    }
  }

  /** @returns the last use of each key, in milliseconds since 1970. */
  public store(): Record<string, number> {
    const usedAt: Record<string, number> = {};
    for (let key = 0; key < this.#maxConcurrency; key++) {
      const moment = this.#usedAt.get(key) ?? this.#floor;
      if (Number.isFinite(moment)) usedAt[key] = Math.max(0, this.#clock.wallNow() - (this.#clock.now() - moment));
    }
    return usedAt;
  }
}
