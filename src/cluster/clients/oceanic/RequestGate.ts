import type { RequestOptions } from 'oceanic.js';
import type { ClientSetup } from '../ClientAdapter.js';
import { interceptFetch, markAttempt } from './interceptFetch.js';
import { mendedAnswer } from './mendedAnswer.js';
import type { OceanicRequestHandler } from './oceanicInternals.js';

/** One request of the bot or of the framework, however often it is tried. */
interface Flight {
  /** Rejects it; oceanic.js itself has no way to. */
  fail(error: unknown): void;
}

/**
 * Every request of the client passes here, before it waits for its rate limit, and each of its tries again, on its way to Discord:
 * it is measured, and can be ended.
 */
export class RequestGate {
  readonly #handler: OceanicRequestHandler;
  /** With an undici agent of the bot's, or without. */
  readonly #agent: Pick<RequestInit, 'dispatcher'>;
  readonly #flights = new Set<Flight>();
  readonly #attempts = new Set<AbortController>();
  readonly #listeners: ((status: number, latencyMs: number) => void)[] = [];
  #isStopped = false;

  /** @param sendRequest see `ClientSetup`. */
  public constructor(
    handler: OceanicRequestHandler,
    sendRequest: ClientSetup['sendRequest'] = (request, send) => send(request),
  ) {
    this.#handler = handler;
    const { agent } = handler.options;
    this.#agent = agent ? { dispatcher: agent as NonNullable<RequestInit['dispatcher']> } : {};
    interceptFetch();
    const send = handler.request.bind(handler);
    const known = new WeakSet<RequestOptions>();
    // Of which request oceanic.js makes a try just now. It reads the headers, and then the agent, in one turn.
    let current: Flight | undefined;
    const grounded = new Set<Flight | undefined>();
    const prepare = (flight: Flight, { method, path }: RequestOptions) => {
      current = flight;
      grounded.add(flight);
      // Where it has not come as far as the agent by the end of this turn, it threw. It reports that, and settles nothing.
      queueMicrotask(() => {
        const reason = `oceanic.js could not make ${method} ${path}; its error event says why.`;
        if (grounded.delete(flight)) flight.fail(new Error(reason));
      });
    };
    const takeOff = () => {
      grounded.delete(current);
      return this.#attemptOf(current);
    };
    Object.defineProperty(handler.options, 'agent', { configurable: true, get: takeOff });
    handler.request = (options) => {
      // Further tries of a request come from the library; the first one is still under way.
      if (known.has(options)) return send(options);
      const { method, path, json: body } = options;
      return this.#leave((flight) =>
        sendRequest({ method, path, body }, (changed) => {
          // Its query belongs to its path.
          const { query, ...others } = options;
          const own: RequestOptions = {
            ...others,
            method: changed.method as RequestOptions['method'],
            path: changed.path,
            json: changed.body,
            ...(changed.path === path && query !== undefined ? { query } : {}),
            get headers() {
              prepare(flight, options);
              return { ...options.headers };
            },
          };
          known.add(own);
          return send(own);
        }),
      );
    };
  }

  public onAnswer(listener: (status: number, latencyMs: number) => void): void {
    this.#listeners.push(listener);
  }

  /** What is under way, waits for its rate limit, or comes later rejects. */
  public stop(): void {
    // A request that waits after a 429 is out of reach: its timer runs on, and ends here.
    for (const { processing } of Object.values(this.#handler.ratelimits)) {
      if (typeof processing === 'object') clearTimeout(processing);
    }
    this.#isStopped = true;
    for (const attempt of this.#attempts) attempt.abort(stopped());
    for (const flight of this.#flights) flight.fail(stopped());
  }

  async #leave(send: (flight: Flight) => Promise<unknown>): Promise<unknown> {
    if (this.#isStopped) throw stopped();
    let fail: Flight['fail'] = () => {};
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const flight = { fail };
    this.#flights.add(flight);
    try {
      return await Promise.race([send(flight), failed]);
    } finally {
      this.#flights.delete(flight);
    }
  }

  #attemptOf(flight: Flight | undefined): object {
    return markAttempt({
      fetch: async (next, url, { signal, dispatcher: _itself, ...init }) => {
        const controller = new AbortController();
        const giveUp = () => controller.abort(signal?.reason);
        signal?.addEventListener('abort', giveUp, { once: true });
        this.#attempts.add(controller);
        const startedAt = performance.now();
        try {
          if (this.#isStopped) throw stopped();
          const response = await next(url, { ...init, ...this.#agent, signal: controller.signal });
          for (const listener of this.#listeners) listener(response.status, performance.now() - startedAt);
          return await mendedAnswer(response);
        } catch (error) {
          // Its own time limit, which it reports as such.
          if (signal?.aborted === true) throw error;
          flight?.fail(error);
          // oceanic.js would never settle the request, and never clear its timer. Nobody gets to see this answer.
          return new Response(null, { status: 599 });
        } finally {
          this.#attempts.delete(controller);
          signal?.removeEventListener('abort', giveUp);
        }
      },
    });
  }
}

function stopped(): Error {
  return new Error('This client was stopped.');
}
