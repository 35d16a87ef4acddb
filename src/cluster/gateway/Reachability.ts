import type { GatewayLogger } from './GatewayOptions.js';

/** Says once that the gateway cannot be reached, and once that it can again, however many shards try however often. */
export class Reachability {
  readonly #unreachable = new Set<number>();
  #failures = 0;

  public constructor(private readonly logger: GatewayLogger) {}

  public failed(shardId: number, url: string, reason: string): void {
    this.#failures++;
    const first = this.#unreachable.size === 0;
    this.#unreachable.add(shardId);
    const { host } = new URL(url);
    if (first)
      this.logger.warn({ shardId, host, reason }, `Cannot reach the gateway at ${host} (${reason}); still trying`);
    else this.logger.debug({ shardId, host, reason }, 'The gateway is still out of reach');
  }

  public reached(shardId: number): void {
    if (!this.#unreachable.delete(shardId) || this.#unreachable.size > 0) return;
    this.logger.info({ failures: this.#failures }, 'The gateway is within reach again');
    this.#failures = 0;
  }

  /** The shard does not try any more. */
  public forget(shardId: number): void {
    this.#unreachable.delete(shardId);
    if (this.#unreachable.size === 0) this.#failures = 0;
  }
}
