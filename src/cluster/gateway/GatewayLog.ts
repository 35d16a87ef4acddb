import type { ClientLog } from '../clients/ClientAdapter.js';
import type { GatewayLogger } from './GatewayOptions.js';
import { Redactor } from './redact.js';

/** Everything that gateway and adapter log about errors: the token is kept out, and what was logged once is not logged again. */
export class GatewayLog implements ClientLog {
  readonly #logged = new WeakSet<object>();
  readonly #redactor: Redactor;

  public constructor(
    public readonly logger: GatewayLogger,
    token: string,
  ) {
    this.#redactor = new Redactor(token);
  }

  /** The caller logs this error in words of its own; where the client emits it too, that is not logged. */
  public suppress(error: Error): void {
    this.#logged.add(error);
  }

  public clientError(error: unknown, shardId: number | undefined): void {
    if (typeof error === 'object' && error !== null && this.#logged.has(error)) return;
    this.logger.error({ shardId, err: this.#redactor.error(error) }, 'The client reports an error');
  }

  public clientWarning(message: unknown, shardId: number | undefined): void {
    const text = message instanceof Error ? message.message : String(message);
    this.logger.warn({ shardId }, `The client warns: ${this.#redactor.text(text)}`);
  }

  public handlerError(event: string, error: unknown): void {
    this.logger.error({ event, err: this.#redactor.error(error) }, `A handler of ${event} failed`);
  }

  /** One of the functions that were given to the gateway threw. */
  public callbackError(name: string, shardId: number | undefined, error: unknown): void {
    this.logger.error({ shardId, err: this.#redactor.error(error) }, `${name} failed`);
  }

  public text(text: string): string {
    return this.#redactor.text(text);
  }
}
