import { REST_LATENCY_BOUNDS_MS, type RestStats } from '../../core/contracts/ClusterContract.js';

/** Counts the answers of Discord's REST API that this process gets: by status, and how long they took. */
export class RestMeter {
  readonly #byStatus = new Map<string, number>();
  /** One more than there are bounds, for what is beyond the last. */
  readonly #buckets = new Array<number>(REST_LATENCY_BOUNDS_MS.length + 1).fill(0);
  #sumMs = 0;

  public note(status: number, latencyMs: number): void {
    const key = String(status);
    this.#byStatus.set(key, (this.#byStatus.get(key) ?? 0) + 1);
    const bucket = REST_LATENCY_BOUNDS_MS.findIndex((bound) => latencyMs <= bound);
    const index = bucket < 0 ? REST_LATENCY_BOUNDS_MS.length : bucket;
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#sumMs += latencyMs;
  }

  public read(): RestStats {
    return {
      byStatus: Object.fromEntries(this.#byStatus),
      latency: { buckets: [...this.#buckets], sumMs: this.#sumMs },
    };
  }
}
