import { z } from 'zod';

/** How many IDENTIFYs Discord allows (discord.com/developers/docs/events/gateway#session-start-limit-object). */
export interface SessionStartLimit {
  /** How many IDENTIFYs a window has. Most bots have 1000. */
  readonly total: number;
  readonly remaining: number;
  /** Milliseconds until the window ends. 0 if no window has begun. */
  readonly resetAfterMs: number;
  /** How many shards may identify at the same time. */
  readonly maxConcurrency: number;
}

const count = z.number().int().nonnegative();

/** What Discord sends, checked and renamed. */
export const sessionStartLimitSchema = z
  .object({ total: count, remaining: count, reset_after: z.number().nonnegative(), max_concurrency: count.min(1) })
  .transform(
    (raw): SessionStartLimit => ({
      total: raw.total,
      remaining: raw.remaining,
      resetAfterMs: raw.reset_after,
      maxConcurrency: raw.max_concurrency,
    }),
  );
