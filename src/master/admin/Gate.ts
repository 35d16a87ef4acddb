import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { KallistiError } from '../../core/errors.js';
import { systemClock } from '../../core/time/clock.js';
import type { AdminToken } from './AdminToken.js';
import { AttemptLimiter } from './AttemptLimiter.js';
import { type Login, Logins } from './Logins.js';

/** Who was let in. */
export interface Visitor {
  readonly by: 'token' | 'login';
  /** Undefined for a token, which does not expire. */
  readonly login: Login | undefined;
}

export interface GateOptions {
  readonly token: AdminToken;
  /** ADMIN_HOST. */
  readonly host: string;
  /** Name of the cookie of a login. The port is part of it, because a browser shares cookies between all ports of a host. */
  readonly cookieName: () => string;
  readonly clock?: typeof systemClock;
}

/** The parts of a request that decide. */
export type Approach = Pick<IncomingMessage, 'headers' | 'method'> & {
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
};

/** There were too many attempts with a wrong token. */
export class RateLimitedError extends KallistiError {
  public constructor(public readonly retryAfterMs: number) {
    super('RATE_LIMITED', 'too many attempts with a wrong token; wait, then try again');
  }
}

/**
 * Decides who may use the admin API: programs show the token, browsers the cookie of a login. It remembers who made each request.
 *
 * A browser sends the cookie by itself, so the cookie proves nothing about the page that made the request. Therefore a request
 * with the cookie, and a login, must name this server by an address that no stranger's DNS can point here (an IP address,
 * localhost, ADMIN_HOST), and must come from a page of this very origin. Programs need neither.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #logins: Logins;
  readonly #limiter: AttemptLimiter;
  readonly #visitors = new WeakMap<Approach, Visitor>();

  public constructor(options: GateOptions) {
    this.#options = options;
    const clock = options.clock ?? systemClock;
    this.#logins = new Logins(clock);
    this.#limiter = new AttemptLimiter(clock);
  }

  /** @throws KallistiError UNAUTHORIZED or FORBIDDEN_ORIGIN, RateLimitedError. */
  public admit(request: Approach): Visitor {
    const visitor = this.#check(request);
    this.#visitors.set(request, visitor);
    return visitor;
  }

  /** @throws Error for a request that nobody has admitted: a route without its gate is a bug. */
  public visitorOf(request: Approach): Visitor {
    const visitor = this.#visitors.get(request);
    if (visitor === undefined) throw new Error('nobody has checked who makes this request');
    return visitor;
  }

  /** @returns who makes a request and from where, for the log. */
  public describeVisitor(request: Approach): string {
    const who = this.visitorOf(request).by === 'token' ? 'the admin token' : 'the status page';
    return `${who} from ${request.socket.remoteAddress ?? 'nowhere'}`;
  }

  /** @throws as `admit`. */
  public logIn(token: string, request: Approach): { readonly id: string; readonly login: Login } {
    // A request without an Origin comes from no browser, so no page can have tricked its user into it.
    if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
      this.#checkOrigin(request);
    }
    this.#checkToken(token, request);
    return this.#logins.begin();
  }

  public logOut(id: string): void {
    this.#logins.end(id);
  }

  /** @returns the id of a login that the request's cookie names, whether there is such a login or not. */
  public loginId({ headers }: Pick<Approach, 'headers'>): string | undefined {
    const prefix = `${this.#options.cookieName()}=`;
    const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
    return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length);
  }

  #check(request: Approach): Visitor {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      this.#checkToken(/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '', request);
      return { by: 'token', login: undefined };
    }
    const id = this.loginId(request);
    const login = id === undefined ? undefined : this.#logins.find(id);
    if (login === undefined) {
      throw new KallistiError('UNAUTHORIZED', id === undefined ? 'show the token, or log in' : 'log in again');
    }
    this.#checkOrigin(request);
    return { by: 'login', login };
  }

  /**
   * An address that has guessed wrong too often is refused without a look at its token, so going on teaches it nothing. Only
   * addresses of this machine are always looked at: all of its users share them, and none of them can lock the owner out.
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
    // An IP address cannot be rebound: it is no name that an owner could point elsewhere.
    return isIP(bare) !== 0 || bare === 'localhost' || bare.endsWith('.localhost') || bare === this.#options.host;
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./i.test(address);
}

function hostnameOf(host: string): string | undefined {
  return URL.canParse(`http://${host}`) && /^[\w.:[\]-]+$/.test(host) ? new URL(`http://${host}`).hostname : undefined;
}

/** The port counts: pages of other programs on this machine are strangers. */
function isSameOrigin(headers: IncomingHttpHeaders, host: string, isRead: boolean): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && !(isRead && site === 'none')) return false;
  const { origin } = headers;
  // A browser always sends an Origin with a request that may change something.
  if (origin === undefined) return isRead || site === 'same-origin';
  return origin === `http://${host}` || origin === `https://${host}`;
}
