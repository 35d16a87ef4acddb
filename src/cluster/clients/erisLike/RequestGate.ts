import type { RestAgent } from '../../../core/discord/rest/RestAgent.js';
import type { ClientSetup } from '../ClientAdapter.js';
import type { ErisLikeRequestHandler } from './erisLikeInternals.js';

/** Every request of the bot and of the framework leaves here, before it waits for its rate limit, so that it can be ended. */
export class RequestGate {
  readonly #handler: ErisLikeRequestHandler;
  readonly #agent: RestAgent;
  readonly #underWay = new Set<(error: Error) => void>();
  #isStopped = false;

  /** @param sendRequest see `ClientSetup`. */
  public constructor(
    handler: ErisLikeRequestHandler,
    agent: RestAgent,
    sendRequest: ClientSetup['sendRequest'] = (request, send) => send(request),
  ) {
    this.#handler = handler;
    this.#agent = agent;
    const send = handler.request.bind(handler);
    handler.request = (...request) => {
      // Further tries of a request come from the library; the first one is still under way.
      const isRepeated = request[6] === true;
      if (isRepeated && !this.#isStopped) return send(...request);
      const [method, path, auth, body, ...others] = request;
      return this.#leave(() =>
        sendRequest({ method, path, body }, (changed) =>
          send(changed.method, changed.path, auth, changed.body as typeof body, ...others),
        ),
      );
    };
  }

  /** What is under way, waits for its rate limit, or comes later rejects. */
  public stop(): void {
    this.#isStopped = true;
    this.#agent.destroy();
    // A request that waits after a 429 is out of reach: its timer runs on, and ends here.
    for (const { processing } of Object.values(this.#handler.ratelimits)) {
      if (typeof processing === 'object') clearTimeout(processing);
    }
    for (const end of this.#underWay) end(stopped());
  }

  async #leave(send: () => Promise<unknown>): Promise<unknown> {
    if (this.#isStopped) throw stopped();
    let end: (error: Error) => void = () => {};
    const ended = new Promise<never>((_resolve, reject) => {
      end = reject;
    });
    this.#underWay.add(end);
    try {
      return await Promise.race([send(), ended]);
    } finally {
      this.#underWay.delete(end);
    }
  }
}

function stopped(): Error {
  return new Error('This client was stopped.');
}
