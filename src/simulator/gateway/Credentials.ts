import { randomBytes, timingSafeEqual } from 'node:crypto';

/** @returns 256 random bits as text that needs no escaping anywhere. */
export function secretToken(): string {
  return randomBytes(32).toString('base64url');
}

/** @returns whether both are the same. The time it takes does not tell how much of them is. */
export function isSameToken(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The bot token. It is valid until Discord resets it because the bot broke the session start limit. */
export class Credentials {
  #isValid = true;

  constructor(readonly token: string) {}

  /** The Authorization header of REST is `Bot <token>` and nothing else: discord.com/developers/docs/reference#authentication */
  acceptsHeader(header: string | undefined): boolean {
    return header?.startsWith('Bot ') === true && this.acceptsToken(header.slice(4));
  }

  /** The token of IDENTIFY and RESUME. Discord takes it with the prefix `Bot ` too, and eris sends it so. */
  acceptsToken(token: unknown): boolean {
    if (typeof token !== 'string' || !this.#isValid) return false;
    return isSameToken(token.startsWith('Bot ') ? token.slice(4) : token, this.token);
  }

  reset(): void {
    this.#isValid = false;
  }
}
