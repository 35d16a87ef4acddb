import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Clock, systemClock } from '../../core/time/clock.js';

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

const SLICE_MS = 15_000;
/** Together five minutes. The oldest slice goes when a new one begins, so the window is 4:45 to 5 minutes long. */
const SLICES = 20;
/** A histogram records whole numbers: here, tenths of a millisecond. */
const UNITS_PER_MS = 10;
/** A longer latency counts as this one. */
const MAX_MS = 600_000;

/**
 * Latencies of the last five minutes, in milliseconds. It has a histogram for each slice of that time. So it takes the same
 * memory for any number of commands, and is right to about one percent.
 */
export class LatencyWindow {
  readonly #slices = Array.from({ length: SLICES }, newSlice);
  #turn: number;

  public constructor(private readonly clock: Pick<Clock, 'now'> = systemClock) {
    this.#turn = this.#turnNow();
  }

  public add(latencyMs: number): void {
    this.#forgetOld();
    const units = Math.round(Math.min(latencyMs, MAX_MS) * UNITS_PER_MS);
    this.#slices[this.#turn % SLICES]?.record(Math.max(1, units));
  }

  /** @returns median and 99th percentile (nearest rank), or null where nothing was measured in that time */
  public percentiles(): Percentiles | null {
    this.#forgetOld();
    const all = newSlice();
    for (const slice of this.#slices) all.add(slice);
    if (all.count === 0) return null;
    return { p50: all.percentile(50) / UNITS_PER_MS, p99: all.percentile(99) / UNITS_PER_MS };
  }

  #forgetOld(): void {
    const now = this.#turnNow();
    for (let turn = Math.max(this.#turn, now - SLICES) + 1; turn <= now; turn++) this.#slices[turn % SLICES]?.reset();
    this.#turn = now;
  }

  #turnNow(): number {
    return Math.floor(this.clock.now() / SLICE_MS);
  }
}

function newSlice(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: MAX_MS * UNITS_PER_MS, figures: 2 });
}
