import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { KallistiError } from '../../core/errors.js';
import { systemClock } from '../../core/time/clock.js';
import type { AdminToken } from './AdminToken.js';
import { AttemptLimiter } from './AttemptLimiter.js';
import { type Session, Sessions } from './Sessions.js';

/** Who is let in, for the log of what they do. */
export interface Visitor {
  readonly by: 'token' | 'session';
  /** Undefined for a token, which does not expire. */
  readonly session: Session | undefined;
}

export interface GateOptions {
  readonly token: AdminToken;
  /** ADMIN_HOST. */
  readonly host: string;
  /** Of the browser's session. It holds the port, because a browser shares cookies between all ports of a host. */
  readonly cookieName: () => string;
  readonly clock?: typeof systemClock;
}

/** What is looked at of a request. */
export type Approach = Pick<IncomingMessage, 'headers' | 'method'> & {
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
};

/** One attempt too many with a wrong token. */
export class RateLimitedError extends KallistiError {
  public constructor(public readonly retryAfterMs: number) {
    super('RATE_LIMITED', 'too many attempts with a wrong token; wait, then try again');
  }
}

/**
 * Decides who may use the admin API: programs show the token, browsers the cookie of a login.
 *
 * What a browser sends by itself proves nothing about the page that made it do so. Therefore a request with the cookie, and a
 * login, must name this server by an address that no stranger's DNS can point here (an IP address, localhost, ADMIN_HOST), and
 * must come from a page of this very origin. Programs are not asked for either.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #sessions: Sessions;
  readonly #limiter: AttemptLimiter;

  public constructor(options: GateOptions) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#sessions = new Sessions(clock);
    this.#limiter = new AttemptLimiter(clock);
  }

  /** @throws KallistiError UNAUTHORIZED or FORBIDDEN_ORIGIN, RateLimitedError. */
  public admit(request: Approach): Visitor {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      this.#checkToken(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '', request);
      return { by: 'token', session: undefined };
    }
    const id = this.sessionId(request);
    const session = id === undefined ? undefined : this.#sessions.find(id);
    if (session === undefined) {
      throw new KallistiError('UNAUTHORIZED', id === undefined ? 'show the token, or log in' : 'log in again');
    }
    this.#checkOrigin(request);
    return { by: 'session', session };
  }

  /** @throws as `admit`. */
  public logIn(token: string, request: Approach): { readonly id: string; readonly session: Session } {
    // Without an Origin it is no browser, which nobody could have tricked into this.
    if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
      this.#checkOrigin(request);
    }
    this.#checkToken(token, request);
    return this.#sessions.begin();
  }

  public logOut(id: string): void {
    this.#sessions.end(id);
  }

  public sessionId({ headers }: Pick<Approach, 'headers'>): string | undefined {
    const prefix = `${this.#options.cookieName()}=`;
    const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length);
  }

  /**
   * Who has guessed wrong too often is not even looked at, and learns nothing from going on. Addresses of this machine alone
   * are: all of its users share them, and none of those can lock the owner out.
   */
  #checkToken(guess: string, { socket }: Approach): void {
    const address = socket.remoteAddress ?? '';
    const waitMs = isLoopback(address) ? 0 : this.#limiter.waitOf(address);
    if (waitMs > 0) throw new RateLimitedError(waitMs);
    if (this.#options.token.matches(guess)) return;
    const retryAfterMs = this.#limiter.note(address);
    if (retryAfterMs > 0) throw new RateLimitedError(retryAfterMs);
    throw new KallistiError('UNAUTHORIZED', 'the token is wrong');
  }

  #checkOrigin({ headers, method }: Approach): void {
    const host = headers.host ?? '';
    if (!this.#isOwnName(host)) {
      throw new KallistiError(
        'FORBIDDEN_ORIGIN',
        'browsers may open this page by an IP address, localhost or ADMIN_HOST only',
      );
    }
    if (!isSameOrigin(headers, host, method === 'GET' || method === 'HEAD')) {
      throw new KallistiError('FORBIDDEN_ORIGIN', 'the request comes from a page of another origin');
    }
  }

  #isOwnName(host: string): boolean {
    const name = hostnameOf(host);
    if (name === undefined) return false;
    const bare = name.replace(/^\[|\]$/g, '');
    // An address cannot be rebound: there is no name whose owner could let it lead elsewhere.
    return isIP(bare) !== 0 || bare === 'localhost' || bare.endsWith('.localhost') || bare === this.#options.host;
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./i.test(address);
}

function hostnameOf(host: string): string | undefined {
  return URL.canParse(`http://${host}`) && /^[\w.:[\]-]+$/.test(host) ? new URL(`http://${host}`).hostname : undefined;
}

/** Port included: pages of other programs on this machine are strangers. */
function isSameOrigin(headers: IncomingHttpHeaders, host: string, isRead: boolean): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && !(isRead && site === 'none')) return false;
  const { origin } = headers;
  // A browser always sends one with a request that may change something.
  if (origin === undefined) return isRead || site === 'same-origin';
  return origin === `http://${host}` || origin === `https://${host}`;
}
