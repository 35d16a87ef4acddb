import { now } from '../account/now.js';

const WINDOW_MS = 600_000;

/**
 * The invalid request limit: too many answers with 401, 403 or 429 in ten minutes, and the address is banned for a while
 * (discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans).
 */
export class InvalidRequests {
  #count = 0;
  #windowEndsAt = 0;
  #bannedUntil = 0;

  constructor(private readonly limit: number) {}

  /** Milliseconds until the ban ends; 0 when there is none. */
  get bannedForMs(): number {
    return Math.max(0, this.#bannedUntil - now());
  }

  /** Counts an answer. Returns true when this one brought the ban. */
  count(status: number): boolean {
    if (status !== 401 && status !== 403 && status !== 429) return false;
    const at = now();
    if (at >= this.#windowEndsAt) {
      this.#count = 0;
      this.#windowEndsAt = at + WINDOW_MS;
    }
    this.#count++;
    if (this.#count <= this.limit || this.#bannedUntil > at) return false;
    this.#bannedUntil = this.#windowEndsAt;
    return true;
  }
}
