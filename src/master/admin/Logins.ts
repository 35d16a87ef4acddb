import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../core/time/clock.js';

export interface Session {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Fires when the session ends before its time: somebody logged out. */
  readonly ended: AbortSignal;
}

interface Held extends Session {
  readonly controller: AbortController;
}

/** How long a login lasts, in milliseconds. */
export const SESSION_MS = 12 * 60 * 60_000;
/** Beyond it the oldest is logged out: it takes the token to make one, and a person a few browsers. */
const MAX_SESSIONS = 100;

/**
 * Who is logged in with a browser. Only in memory: a new master asks for the token again. Ids are kept as hashes, so that a
 * look-up takes no longer for an id that is nearly right.
 */
export class Sessions {
  readonly #clock: Pick<Clock, 'wallNow'>;
  readonly #sessions = new Map<string, Held>();

  public constructor(clock: Pick<Clock, 'wallNow'>) {
    this.#clock = clock;
  }

  /** @returns the id, which only the browser gets to know. */
  public begin(): { readonly id: string; readonly session: Session } {
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= MAX_SESSIONS) this.#end(oldest);
    const id = randomBytes(32).toString('base64url');
    const controller = new AbortController();
    const session = { expiresAt: this.#clock.wallNow() + SESSION_MS, controller, ended: controller.signal };
    this.#sessions.set(keyOf(id), session);
    return { id, session };
  }

  public find(id: string): Session | undefined {
    const key = keyOf(id);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (session.expiresAt > this.#clock.wallNow()) return session;
    this.#end(key);
    return undefined;
  }

  public end(id: string): void {
    this.#end(keyOf(id));
  }

  #end(key: string): void {
    this.#sessions.get(key)?.controller.abort();
    this.#sessions.delete(key);
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
