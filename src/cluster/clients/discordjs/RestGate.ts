import type { RESTOptions } from 'discord.js';

type MakeRequest = RESTOptions['makeRequest'];

/** Every request of the client to Discord's API passes here, within the client's rate limits: it is measured, and can be ended. */
export class RestGate {
  public readonly makeRequest: MakeRequest;
  readonly #underWay = new Set<AbortController>();
  readonly #listeners: ((status: number, latencyMs: number) => void)[] = [];
  #isStopped = false;

  public constructor(send: MakeRequest) {
    this.makeRequest = async (url, init) => {
      if (this.#isStopped) throw stopped();
      const controller = new AbortController();
      const { signal } = init;
      const abort = () => controller.abort(signal?.reason);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
      this.#underWay.add(controller);
      const startedAt = performance.now();
      try {
        const response = await send(url, { ...init, signal: controller.signal });
        for (const listener of this.#listeners) listener(response.status, performance.now() - startedAt);
        return response;
      } finally {
        this.#underWay.delete(controller);
      }
    };
  }

  public onAnswer(listener: (status: number, latencyMs: number) => void): void {
    this.#listeners.push(listener);
  }

  /** What is under way and what comes later rejects; discord.js does not try these again. */
  public stop(): void {
    this.#isStopped = true;
    for (const controller of this.#underWay) controller.abort(stopped());
  }
}

function stopped(): Error {
  return new Error('This client was stopped.');
}
