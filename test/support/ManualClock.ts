import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Timer } from '../../src/core/time/clock.js';

interface ManualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that a test turns by hand. What a timer sets off has settled before the next timer fires. */
export class ManualClock implements Clock {
  readonly #timers = new Set<ManualTimer>();
  #now = 1_000;
  #wallNow: number;
  #order = 0;

  /** @param earlyMs Every timer fires this much too early, as Node's may (by up to 1 ms). */
  public constructor(
    wallNow = Date.UTC(2026, 0, 1),
    private readonly earlyMs = 0,
  ) {
    this.#wallNow = wallNow;
  }

  /** For "nothing left behind". */
  public get pendingTimers(): number {
    return this.#timers.size;
  }

  public now(): number {
    return this.#now;
  }

  public wallNow(): number {
    return this.#wallNow;
  }

  public setTimeout(callback: () => void, delayMs: number): Timer {
    // Node treats a delay below 1 ms as 1 ms; without that, a timer that fires early could set itself for ever.
    const timer = { at: this.#now + Math.max(1, delayMs - this.earlyMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** The date jumps, as after NTP has set it right; durations do not notice. */
  public jumpWallClock(byMs: number): void {
    this.#wallNow += byMs;
  }

  /** Time passes and the process does not run: what falls due meanwhile fires late, with the next {@link advance}. */
  public stall(durationMs: number): void {
    this.#moveTo(this.#now + durationMs);
  }

  /** Lets `durationMs` pass, and fires what falls due on the way, in order. */
  public async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await nextTurn();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#moveTo(timer.at);
      this.#timers.delete(timer);
      timer.callback();
      await nextTurn();
    }
    this.#moveTo(end);
  }

  #next(end: number): ManualTimer | undefined {
    const [first] = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order);
    return first !== undefined && first.at <= end ? first : undefined;
  }

  #moveTo(now: number): void {
    const passedMs = Math.max(0, now - this.#now);
    this.#now += passedMs;
    this.#wallNow += passedMs;
  }
}
