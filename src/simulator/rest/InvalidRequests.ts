import { now } from '../account/now.js';

const WINDOW_MS = 600_000;

/**
 * Too many answers with 401, 403 or 429 in ten minutes get the address banned until the ten minutes are over:
 * discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
 */
export class InvalidRequests {
  #count = 0;
  #windowEndsAt = 0;
  #bannedUntil = 0;

  constructor(private readonly limit: number) {}

  /** Milliseconds until the ban ends. 0 if there is none. */
  get bannedForMs(): number {
    return Math.max(0, this.#bannedUntil - now());
  }

  /**
   * Counts an answer.
   * @returns whether this answer causes a ban.
   */
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
