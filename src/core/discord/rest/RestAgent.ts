import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import { mendAnswer } from './mendAnswer.js';

/** Node calls it for every request (lib/_http_client.js). Its typings leave it out. */
interface AgentInternals {
  addRequest(request: ClientRequest, options: object): void;
}

type SocketCallback = (error: Error | null, socket: Duplex) => void;
/** The typings want a socket in every call. Node's own code passes none along with an error, and neither do we. */
type FailureCallback = (error: Error) => void;

/** How many requests may be under way at once. The others wait. Discord allows 50 a second, and answers most in less than one. */
const MAX_SOCKETS = 128;
const MAX_IDLE_SOCKETS = 16;
/**
 * The agent closes a socket that has been idle for so long. A server may hint at a time of its own (`Keep-Alive: timeout=`). Node
 * follows the hint only if it is shorter than this option. Without the option, a request could go to a socket that the server is
 * closing (ECONNRESET).
 */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * The agent gives a request up that has had a socket for so long, and not the whole answer. Clients only limit the pauses within
 * an answer. One that comes a byte at a time would hold up its route for ever.
 */
const ANSWER_TIMEOUT_MS = 60_000;

export interface RestAgentOptions extends https.AgentOptions {
  /** Default 60 000 ms. */
  readonly answerTimeoutMs?: number;
}

/**
 * An agent for clients that only use `https.request`. It takes them to the server of `target`, over plain http too, and corrects
 * what such clients get wrong:
 * - the Host header is the target's, with its port;
 * - a client that compares the content type exactly sees `application/json`, without the charset that may follow it;
 * - {@link mendAnswer} mends an answer that would end the process of a client, and the agent gives up one that takes too long;
 * - a request does not show its headers in a log or in `inspect`. Clients hang requests on their errors.
 *
 * After `destroy()` no socket is left, and every further request fails at once.
 */
export class RestAgent extends https.Agent {
  /** The port of a request that names none. Node reads this field of every agent. Its typings leave it out. */
  public readonly defaultPort: number;
  readonly #target: URL;
  readonly #answerTimeoutMs: number;
  #destroyed = false;

  public constructor(target: URL, { answerTimeoutMs = ANSWER_TIMEOUT_MS, ...options }: RestAgentOptions = {}) {
    super({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_IDLE_SOCKETS,
      timeout: IDLE_TIMEOUT_MS,
      ...options,
    });
    this.#target = target;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.defaultPort = portOf(target);
  }

  /** Overrides `AgentInternals.addRequest`. */
  public addRequest(request: ClientRequest, options: object): void {
    if (!request.headersSent) request.setHeader('Host', this.#target.host);
    concealHeaders(request);
    this.#limitTime(request);
    // This listener comes before all others, even before the callback of https.request. So nobody sees the header as it came.
    request.prependOnceListener('response', (response: IncomingMessage) => {
      normaliseContentType(response);
      mendAnswer(response);
      // Node discards the body of a response that has no listener. It takes this listener for a reader.
      if (request.listenerCount('response') === 0) response.resume();
    });
    baseAgent.addRequest.call(this, request, options);
  }

  public override createConnection(
    options: https.RequestOptions,
    callback?: SocketCallback,
  ): Duplex | null | undefined {
    if (this.#destroyed) {
      const error = new Error(`The connection to ${this.#target.host} is closed for good: this client was stopped.`);
      process.nextTick(() => (callback as FailureCallback | undefined)?.(error));
      return undefined;
    }
    if (this.#target.protocol === 'https:') return super.createConnection(options, callback);
    return net.connect({ host: hostOf(this.#target), port: this.defaultPort, noDelay: true });
  }

  #limitTime(request: ClientRequest): void {
    request.once('socket', () => {
      const message = `${this.#target.host} has not given a whole answer within ${this.#answerTimeoutMs} ms`;
      const timer = setTimeout(() => request.destroy(new Error(message)), this.#answerTimeoutMs);
      request.once('close', () => clearTimeout(timer));
    });
  }

  public override destroy(): void {
    this.#destroyed = true;
    super.destroy();
    // For every socket that closes, Node would fail the first request of its queue, again and again, and never the others. Now
    // createConnection refuses all of them.
    this.maxSockets = Number.POSITIVE_INFINITY;
    const queues = this.requests as unknown as Record<string, ClientRequest[]>;
    for (const [name, queue] of Object.entries(queues)) {
      delete queues[name];
      for (const request of queue) baseAgent.addRequest.call(this, request, {});
    }
  }
}

const baseAgent = https.Agent.prototype as unknown as AgentInternals;

/** @returns the host to connect to. An IPv6 address has no brackets here, unlike in `URL.hostname`. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

function normaliseContentType(response: IncomingMessage): void {
  const type = response.headers['content-type'];
  if (type !== undefined && /^application\/json\s*(;|$)/i.test(type))
    response.headers['content-type'] = 'application/json';
}

/** Clients put the request on their errors as `req`. That must not bring the `Authorization` header into a log. */
function concealHeaders(request: ClientRequest): void {
  const describe = () => ({ method: request.method, host: request.host });
  Object.defineProperty(request, 'toJSON', { value: describe });
  Object.defineProperty(request, inspect.custom, { value: describe });
}
