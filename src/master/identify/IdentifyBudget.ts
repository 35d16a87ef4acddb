import type { SessionStartLimit } from '../../core/discord/sessionStartLimit.js';
import type { Clock } from '../../core/time/clock.js';

/**
 * Why a shard wants to identify.
 *
 * - `start`: the bot starts. - `recovery`: the shard lost its session and is served by nobody. Both may spend all there is.
 * - `restart`: planned, it can wait. It leaves the reserve alone.
 */
export type IdentifyPurpose = 'start' | 'restart' | 'recovery';

/** The numbers of one window, as they are stored. */
export interface BudgetNumbers {
  readonly total: number;
  readonly remaining: number;
  /** Wall clock; null where Discord named no end. */
  readonly resetAt: number | null;
}

/** Two windows end this close together: they are one, seen twice. Discord states its end to the millisecond; the answer takes a while. */
const SAME_WINDOW_MS = 10_000;

/**
 * Counts IDENTIFYs down, as Discord does: the one after the last would reset the bot's token.
 *
 * Owns the numbers only; {@link IdentifyQueue} waits, asks Discord and stores.
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

  /** IDENTIFYs that only a start or a recovery may spend. */
  public get reserve(): number {
    return this.#reserveOf(this.total);
  }

  /** Somebody has said how many there are. */
  public get isKnown(): boolean {
    return this.total > 0;
  }

  /** The window's end is past. */
  public get hasEnded(): boolean {
    return this.resetAt !== null && this.#clock.wallNow() >= this.resetAt;
  }

  /** Only Discord knows the numbers now: the window has ended, or somebody may have to wait for an end that it never named. */
  public get isOutdated(): boolean {
    return this.resetAt === null ? this.remaining <= this.reserve : this.hasEnded;
  }

  /** Goes on with the numbers of an earlier master, until Discord has said its own. */
  public restore({ total, remaining, resetAt }: BudgetNumbers): void {
    this.#numbers = { total, remaining, resetAt };
  }

  /**
   * Takes Discord's numbers. Those of `before` count where they are lower, as long as their window lasts: Discord's may lag
   * behind what was just sent. Only a window that ends later is a new one; one that seems to end earlier is the same, seen
   * after the wall clock was set.
   */
  public open(limit: SessionStartLimit, before: BudgetNumbers = this.#numbers): void {
    const now = this.#clock.wallNow();
    const resetAt = limit.resetAfterMs > 0 ? now + limit.resetAfterMs : null;
    const same =
      resetAt !== null && before.resetAt !== null && before.resetAt > now && resetAt - before.resetAt <= SAME_WINDOW_MS;
    const remaining = Math.min(limit.remaining, same ? before.remaining : limit.remaining, limit.total);
    this.#numbers = { total: limit.total, remaining, resetAt };
  }

  /** One was sent, or may have been. */
  public use(): void {
    this.#numbers = { ...this.#numbers, remaining: Math.max(0, this.remaining - 1) };
  }

  /** How many may still be sent for this purpose. */
  public left(purpose: IdentifyPurpose): number {
    return Math.max(0, this.remaining - (purpose === 'restart' ? this.reserve : 0));
  }
}

/**
 * What is kept back from planned restarts: two full recoveries of the fleet and at least a tenth of all, yet never more
 * than half. With 16 shards and the usual 1000 that is 100.
 */
export function identifyReserve(total: number, shardCount: number): number {
  return Math.min(Math.floor(total / 2), Math.max(Math.ceil(total / 10), 2 * shardCount));
}
