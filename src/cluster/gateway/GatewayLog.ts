import type { IsolationReports } from '../clients/eris/HandlerIsolation.js';
import type { GatewayLogger } from './GatewayOptions.js';
import type { Redactor } from './redact.js';

/** Everything that the gateway logs about errors: the token is kept out, and what was said once is not said again. */
export class GatewayLog implements IsolationReports {
  readonly #told = new WeakSet<object>();

  public constructor(
    public readonly logger: GatewayLogger,
    private readonly redactor: Redactor,
  ) {}

  /** The caller logs this error in words of its own; eris will emit it too. */
  public tell(error: Error): void {
    this.#told.add(error);
  }

  public erisError(error: unknown, shardId: number | undefined): void {
    if (typeof error === 'object' && error !== null && this.#told.has(error)) return;
    this.logger.error({ shardId, err: this.redactor.error(error) }, 'eris reports an error');
  }

  public handlerError(event: string, error: unknown): void {
    this.logger.error({ event, err: this.redactor.error(error) }, `A handler of ${event} failed`);
  }

  /** One of the functions that were given to the gateway threw. */
  public callbackError(name: string, shardId: number | undefined, error: unknown): void {
    this.logger.error({ shardId, err: this.redactor.error(error) }, `${name} failed`);
  }

  public warning(message: unknown, shardId: number | undefined): void {
    const text = message instanceof Error ? message.message : String(message);
    this.logger.warn({ shardId }, `eris: ${this.redactor.text(text)}`);
  }

  public text(text: string): string {
    return this.redactor.text(text);
  }
}
