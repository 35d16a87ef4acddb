import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../core/time/clock.js';

/** One browser that has shown the token. */
export interface Login {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Fires when the login ends, by a logout or because it has expired. */
  readonly ended: AbortSignal;
}

interface Held extends Login {
  readonly controller: AbortController;
}

/** How long a login lasts, in milliseconds. */
export const LOGIN_MS = 12 * 60 * 60_000;
/** One more logs the oldest out. A login takes the token, and a person has a few browsers. */
const MAX_LOGINS = 100;

/**
 * Knows which browsers are logged in, in memory alone: a new master asks for the token again. It keeps hashes of the ids, so that
 * a look-up takes no longer for an id that is nearly right.
 */
export class Logins {
  readonly #clock: Pick<Clock, 'wallNow'>;
  readonly #logins = new Map<string, Held>();

  public constructor(clock: Pick<Clock, 'wallNow'>) {
    this.#clock = clock;
  }

  /** @returns the new login, and the id that only its browser gets to know. */
  public begin(): { readonly id: string; readonly login: Login } {
    const [oldest] = this.#logins.keys();
    if (oldest !== undefined && this.#logins.size >= MAX_LOGINS) this.#end(oldest);
    const id = randomBytes(32).toString('base64url');
    const controller = new AbortController();
    const login = { expiresAt: this.#clock.wallNow() + LOGIN_MS, controller, ended: controller.signal };
    this.#logins.set(keyOf(id), login);
    return { id, login };
  }

  public find(id: string): Login | undefined {
    const key = keyOf(id);
    const login = this.#logins.get(key);
    if (login === undefined || login.expiresAt > this.#clock.wallNow()) return login;
    this.#end(key);
    return undefined;
  }

  public end(id: string): void {
    this.#end(keyOf(id));
  }

  #end(key: string): void {
    this.#logins.get(key)?.controller.abort();
    this.#logins.delete(key);
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
