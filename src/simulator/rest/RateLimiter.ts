import { createHash } from 'node:crypto';
import { now } from '../account/now.js';
import type { RateLimitRule } from '../options.js';

/**
 * Limits per route, as seen at Discord. The documentation gives no numbers and tells clients to read the headers
 * (discord.com/developers/docs/topics/rate-limits), so a client that obeys the headers does not depend on them. These are on
 * the strict side.
 */
export const RATE_LIMITS: Readonly<Record<string, RateLimitRule>> = {
  'GET /gateway/bot': { limit: 2, windowMs: 5000 },
  'POST /channels/:channelId/messages': { limit: 5, windowMs: 5000 },
  'PATCH /channels/:channelId/messages/:messageId': { limit: 5, windowMs: 5000 },
  'DELETE /channels/:channelId/messages/:messageId': { limit: 5, windowMs: 1000 },
  'GET /channels/:channelId/messages': { limit: 5, windowMs: 5000 },
  'GET /channels/:channelId/messages/:messageId': { limit: 5, windowMs: 5000 },
  'POST /channels/:channelId/typing': { limit: 5, windowMs: 5000 },
  'POST /interactions/:interactionId/:token/callback': { limit: 5, windowMs: 5000 },
  'POST /webhooks/:applicationId/:token': { limit: 5, windowMs: 2000 },
  'PATCH /webhooks/:applicationId/:token/messages/:messageId': { limit: 5, windowMs: 2000 },
  'GET /webhooks/:applicationId/:token/messages/:messageId': { limit: 5, windowMs: 2000 },
  'DELETE /webhooks/:applicationId/:token/messages/:messageId': { limit: 5, windowMs: 2000 },
  'POST /users/@me/channels': { limit: 10, windowMs: 10_000 },
  'GET /guilds/:guildId/members': { limit: 10, windowMs: 10_000 },
};
const OTHER_READS: RateLimitRule = { limit: 30, windowMs: 10_000 };
const OTHER_WRITES: RateLimitRule = { limit: 5, windowMs: 5000 };

/** Each top-level resource has its own limit per route: discord.com/developers/docs/topics/rate-limits, "During calculation". */
const MAJOR_PARAMETERS = ['channelId', 'guildId', 'applicationId', 'interactionId', 'token'];

interface Window {
  count: number;
  resetsAt: number;
}

export interface Verdict {
  headers: Record<string, string>;
  /** Set if the request is refused. */
  retryAfterMs?: number;
  isGlobal?: boolean;
}

/**
 * Counts requests per route and top-level resource, and per second over all routes. It makes the headers, and decides
 * whether a request is one too many. A window begins with its first request.
 */
export class RateLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #bucketIds = new Map<string, string>();
  #global: Window = { count: 0, resetsAt: 0 };
  #sweptAt = now();

  constructor(
    private readonly overrides: Readonly<Record<string, RateLimitRule>> | false,
    private readonly globalPerSecond: number,
  ) {}

  check(route: string, parameters: Readonly<Record<string, string>>, boundToGlobal: boolean): Verdict {
    const at = now();
    if (boundToGlobal && this.globalPerSecond !== Number.POSITIVE_INFINITY) {
      if (at >= this.#global.resetsAt) this.#global = { count: 0, resetsAt: at + 1000 };
      this.#global.count++;
      if (this.#global.count > this.globalPerSecond) {
        const headers = { 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' };
        return { headers, retryAfterMs: this.#global.resetsAt - at, isGlobal: true };
      }
    }
    if (this.overrides === false) return { headers: {} };
    this.#sweep(at);
    const rule = this.overrides[route] ?? RATE_LIMITS[route] ?? (route.startsWith('GET ') ? OTHER_READS : OTHER_WRITES);
    const major = MAJOR_PARAMETERS.map((name) => parameters[name] ?? '').join('/');
    const key = `${route} ${major}`;
    let window = this.#windows.get(key);
    if (window === undefined || at >= window.resetsAt) {
      window = { count: 0, resetsAt: at + rule.windowMs };
      this.#windows.set(key, window);
    }
    window.count++;
    const leftMs = window.resetsAt - at;
    const headers = {
      'x-ratelimit-bucket': this.#bucketId(route),
      'x-ratelimit-limit': String(rule.limit),
      'x-ratelimit-remaining': String(Math.max(0, rule.limit - window.count)),
      'x-ratelimit-reset': (window.resetsAt / 1000).toFixed(3),
      'x-ratelimit-reset-after': (leftMs / 1000).toFixed(3),
    };
    if (window.count <= rule.limit) return { headers };
    return { headers: { ...headers, 'x-ratelimit-scope': 'user' }, retryAfterMs: leftMs, isGlobal: false };
  }

  /** Forgets windows that are over. Each interaction token has its own, so they would fill memory. */
  #sweep(at: number): void {
    if (at - this.#sweptAt < 5000) return;
    this.#sweptAt = at;
    for (const [key, window] of this.#windows) if (at >= window.resetsAt) this.#windows.delete(key);
  }

  #bucketId(route: string): string {
    let id = this.#bucketIds.get(route);
    if (id === undefined) {
      id = createHash('md5').update(route).digest('hex');
      this.#bucketIds.set(route, id);
    }
    return id;
  }
}
