export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** Keeps the last `size` latencies, in milliseconds. */
export class LatencyWindow {
  readonly #latencies: Float64Array;
  #added = 0;

  public constructor(size = 1_000) {
    this.#latencies = new Float64Array(size);
  }

  public add(latencyMs: number): void {
    this.#latencies[this.#added++ % this.#latencies.length] = latencyMs;
  }

  /** @returns median and 99th percentile (nearest rank), or null where nothing was measured yet */
  public percentiles(): Percentiles | null {
    if (this.#added === 0) return null;
    const sorted = this.#latencies.slice(0, this.#added).sort();
    const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
    return { p50: rank(0.5), p99: rank(0.99) };
  }
}
