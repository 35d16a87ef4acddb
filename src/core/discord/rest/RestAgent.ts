import type { ClientRequest, IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import { mendAnswer } from './mendAnswer.js';

/** Called by Node for every request (lib/_http_client.js); not in its typings. */
interface AgentInternals {
  addRequest(request: ClientRequest, options: object): void;
}

type SocketCallback = (error: Error | null, socket: Duplex) => void;
/** In the typings a socket comes with every call; Node's own code leaves it out with an error, and so do we. */
type FailureCallback = (error: Error) => void;

/** How many requests may be under way at once; the rest wait. Discord allows 50 a second, most take well under one. */
const MAX_SOCKETS = 128;
const MAX_IDLE_SOCKETS = 16;
/**
 * Idle sockets are closed after this. Node only honours a server's `Keep-Alive: timeout=` hint where it is shorter than this
 * option; without it a request could be written to a socket that the server is just closing (ECONNRESET).
 */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * A request that has a socket and not the whole answer by then is given up. Clients only look at the pauses: an answer that
 * comes a byte at a time would hold up its route for ever.
 */
const ANSWER_TIMEOUT_MS = 60_000;

export interface RestAgentOptions extends https.AgentOptions {
  /** Default 60 000 ms. */
  readonly answerTimeoutMs?: number;
}

/**
 * An agent for clients that only speak `https.request`. It makes them reach the server of `target`, over plain http too, and
 * sets right what such clients get wrong:
 * - the Host header is the target's, with its port;
 * - `content-type: application/json; charset=utf-8` arrives as `application/json`, for clients that compare it exactly;
 * - an answer that would end the process of a client, or keep it waiting for ever, is mended or given up: {@link mendAnswer};
 * - a request that ends up in a log or in `inspect` (clients hang it on their errors) does not show its headers.
 *
 * After `destroy()` no socket is left and every further request fails at once.
 */
export class RestAgent extends https.Agent {
  /** Node's default port for a request that names none; it is a field of every agent, though not in the typings. */
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
    // First in line, even before the callback given to https.request: nobody sees the header as it was sent.
    request.prependOnceListener('response', (response: IncomingMessage) => {
      normaliseContentType(response);
      mendAnswer(response);
      // Node discards the body of a response that nobody listens for, but cannot know that ours is not a reader.
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
    // Node would fail the first request of each queue again for every socket that closes, and the rest never. They all go
    // through createConnection now, which refuses them.
    this.maxSockets = Number.POSITIVE_INFINITY;
    const queues = this.requests as unknown as Record<string, ClientRequest[]>;
    for (const [name, queue] of Object.entries(queues)) {
      delete queues[name];
      for (const request of queue) baseAgent.addRequest.call(this, request, {});
    }
  }
}

const baseAgent = https.Agent.prototype as unknown as AgentInternals;

/** @returns the host to connect to; unlike `URL.hostname` without the brackets of an IPv6 address. */
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

/** An `Authorization` header must not reach a log by way of an error's `req` property. */
function concealHeaders(request: ClientRequest): void {
  const describe = () => ({ method: request.method, host: request.host });
  Object.defineProperty(request, 'toJSON', { value: describe });
  Object.defineProperty(request, inspect.custom, { value: describe });
}
