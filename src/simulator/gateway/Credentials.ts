import { isSameToken } from '../control/secretToken.js';

/** The one token that is valid here, until Discord "resets" it because the session limit was broken. */
export class Credentials {
  #isValid = true;

  constructor(readonly token: string) {}

  get wasReset(): boolean {
    return !this.#isValid;
  }

  /** The Authorization header of REST: `Bot <token>`, nothing else (discord.com/developers/docs/reference#authentication). */
  acceptsHeader(header: string | undefined): boolean {
    return header?.startsWith('Bot ') === true && this.acceptsToken(header.slice(4));
  }

  /** The token of IDENTIFY and RESUME. Discord takes it with the `Bot ` prefix too, and eris sends it so. */
  acceptsToken(token: unknown): boolean {
    if (typeof token !== 'string' || !this.#isValid) return false;
    return isSameToken(token.startsWith('Bot ') ? token.slice(4) : token, this.token);
  }

  reset(): void {
    this.#isValid = false;
  }
}
