import { now } from '../account/now.js';
import type { SessionStartLimit } from '../options.js';

export interface GateVerdict {
  key: number;
  sinceLastOfKeyMs: number | null;
  /** `tooEarly` leads to op 9, `exhausted` to a reset of the token. */
  result: 'ok' | 'tooEarly' | 'exhausted';
  remaining: number;
}

/**
 * Discord's two limits on IDENTIFY: one per key (`shard_id % max_concurrency`) in 5 s, and a number of session starts a day
 * over all shards (discord.com/developers/docs/events/gateway#sharding-max-concurrency and #identifying).
 *
 * The gate measures time where the IDENTIFY arrives, so network jitter shortens gaps as it does at Discord. A refused
 * IDENTIFY costs a session start too, because Discord counts calls. It does not move the window of its key.
 */
export class IdentifyGate {
  readonly #lastOfKey = new Map<number, number>();
  readonly #total: number;
  readonly #windowMs: number;
  #remaining: number;
  #resetsAt: number;

  constructor(
    readonly maxConcurrency: number,
    private readonly intervalMs: number,
    limit: SessionStartLimit,
  ) {
    this.#total = limit.total;
    this.#windowMs = limit.resetAfterMs;
    this.#remaining = limit.remaining;
    this.#resetsAt = now() + limit.resetAfterMs;
  }

  get remaining(): number {
    this.#refill();
    return this.#remaining;
  }

  /** `session_start_limit` of GET /gateway/bot. */
  describe() {
    this.#refill();
    return {
      total: this.#total,
      remaining: this.#remaining,
      reset_after: Math.max(0, Math.round(this.#resetsAt - now())),
      max_concurrency: this.maxConcurrency,
    };
  }

  /** Changes the rest of the budget. Tests use it to reach the end of the budget. */
  set(limit: Partial<Pick<SessionStartLimit, 'remaining' | 'resetAfterMs'>>): void {
    this.#refill();
    if (limit.remaining !== undefined) this.#remaining = limit.remaining;
    if (limit.resetAfterMs !== undefined) this.#resetsAt = now() + limit.resetAfterMs;
  }

  /** Counts an IDENTIFY that arrives now, and decides whether it is granted. */
  judge(shardId: number): GateVerdict {
    this.#refill();
    const at = now();
    const key = shardId % this.maxConcurrency;
    const last = this.#lastOfKey.get(key);
    const sinceLastOfKeyMs = last === undefined ? null : at - last;
    if (this.#remaining <= 0) return { key, sinceLastOfKeyMs, result: 'exhausted', remaining: 0 };
    this.#remaining--;
    const tooEarly = sinceLastOfKeyMs !== null && sinceLastOfKeyMs < this.intervalMs;
    if (!tooEarly) this.#lastOfKey.set(key, at);
    return { key, sinceLastOfKeyMs, result: tooEarly ? 'tooEarly' : 'ok', remaining: this.#remaining };
  }

  #refill(): void {
    if (now() < this.#resetsAt) return;
    this.#remaining = this.#total;
    this.#resetsAt = now() + this.#windowMs;
  }
}
