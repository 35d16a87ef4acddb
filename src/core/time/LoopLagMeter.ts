import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop ran what was due: median, 99th percentile and maximum, in milliseconds. */
export interface LoopLag {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;

/**
 * Measures how late this process's event loop is, over the last 10 to 20 seconds, however often anybody asks.
 *
 * Two histograms take turns. A single one would lose the sample that is under way at its reset, which may be the very stall that
 * somebody looks for (Node: `IntervalHistogram.reset`).
 */
export class LoopLagMeter {
  readonly #histograms: [IntervalHistogram, IntervalHistogram] = [newHistogram(), newHistogram()];
  #turnedAt = performance.now();

  /** Measures from now on. */
  public start(): void {
    for (const histogram of this.#histograms) histogram.enable();
    this.#turnedAt = performance.now();
  }

  public stop(): void {
    for (const histogram of this.#histograms) histogram.disable();
  }

  public read(): LoopLag {
    if (performance.now() - this.#turnedAt > WINDOW_MS) {
      this.#turnedAt = performance.now();
      this.#histograms[0].reset();
      this.#histograms.reverse();
    }
    const [older] = this.#histograms;
    if (older.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return { p50Ms: lateness(older.percentile(50)), p99Ms: lateness(older.percentile(99)), maxMs: lateness(older.max) };
  }
}

function newHistogram(): IntervalHistogram {
  return monitorEventLoopDelay({ resolution: RESOLUTION_MS });
}

/** The histogram records nanoseconds from one turn to the next, with its own interval in them. */
function lateness(nanoseconds: number): number {
  return Math.max(0, Math.round((nanoseconds / 1e6 - RESOLUTION_MS) * 100) / 100);
}
