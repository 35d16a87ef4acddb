import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import type { Clock } from '../../core/time/clock.js';

/** The numbers of one window, as they are stored. */
export interface BudgetNumbers {
  readonly total: number;
  readonly remaining: number;
  /** When the window ends, in milliseconds since 1970. Null where Discord named no end. */
  readonly resetAt: number | null;
}

/** Two windows that end this close together are one, seen twice, in milliseconds. Discord's answer takes a while to arrive. */
const SAME_WINDOW_MS = 10_000;

/**
 * Counts IDENTIFYs down, as Discord does. The one after the last would reset the bot's token
 * (discord.com/developers/docs/events/gateway#identifying).
 *
 * It owns the numbers only. `IdentifyQueue` waits, asks Discord and stores.
 */
export class IdentifyBudget implements BudgetNumbers {
  readonly #clock: Clock;
  readonly #reserveOf: (total: number) => number;
  #numbers: BudgetNumbers = { total: 0, remaining: 0, resetAt: null };

  public constructor(clock: Clock, reserveOf: (total: number) => number) {
    this.#clock = clock;
    this.#reserveOf = reserveOf;
  }

  public get total(): number {
    return this.#numbers.total;
  }

  public get remaining(): number {
    return this.#numbers.remaining;
  }

  public get resetAt(): number | null {
    return this.#numbers.resetAt;
  }

  /** How many IDENTIFYs no planned restart may count on. */
  public get reserve(): number {
    return this.#reserveOf(this.total);
  }

  /** Whether the numbers came from Discord or from the store. */
  public get isKnown(): boolean {
    return this.total > 0;
  }

  /** Whether the window has ended. */
  public get hasEnded(): boolean {
    return this.resetAt !== null && this.#clock.wallNow() >= this.resetAt;
  }

  /** Whether only Discord knows the numbers: the window has ended, or is nearly spent and Discord named no end. */
  public get isOutdated(): boolean {
    return this.resetAt === null ? this.remaining <= this.reserve : this.hasEnded;
  }

  /** Goes on with the numbers of an earlier master until Discord has sent its own. */
  public restore({ total, remaining, resetAt }: BudgetNumbers): void {
    this.#numbers = { total, remaining, resetAt };
  }

  /**
   * Takes Discord's numbers. While the window of `before` lasts, the lower of the two counts: Discord's number may lag behind
   * what was just sent. Only a window that ends later is a new one. One that seems to end earlier is the same, seen after the
   * wall clock was set.
   */
  public open(limit: SessionStartLimit, before: BudgetNumbers = this.#numbers): void {
    const now = this.#clock.wallNow();
    const resetAt = limit.resetAfterMs > 0 ? now + limit.resetAfterMs : null;
    const same =
      resetAt !== null && before.resetAt !== null && before.resetAt > now && resetAt - before.resetAt <= SAME_WINDOW_MS;
    const remaining = Math.min(limit.remaining, same ? before.remaining : limit.remaining, limit.total);
    this.#numbers = { total: limit.total, remaining, resetAt };
  }

  /** Counts one that was sent, or may have been. */
  public use(): void {
    this.#numbers = { ...this.#numbers, remaining: Math.max(0, this.remaining - 1) };
  }

  /** How many a planned restart may count on. */
  public get spare(): number {
    return Math.max(0, this.remaining - this.reserve);
  }
}

/**
 * @returns how many IDENTIFYs are kept from planned restarts: two full recoveries of the fleet, at least a tenth of all, and
 * never more than half. With 16 shards and the usual 1000 that is 100.
 */
export function identifyReserve(total: number, shardCount: number): number {
  return Math.min(Math.floor(total / 2), Math.max(Math.ceil(total / 10), 2 * shardCount));
}
