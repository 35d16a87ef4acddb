import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import { messageOf } from '../../core/text/messageOf.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';

/** The last report of one process of a cluster. */
export interface ClusterReport {
  readonly stats: ClusterStats;
  /** On the clock of `performance.now()`. */
  readonly at: number;
  /** Over the time since the report before; null for the first report. */
  readonly eventsPerSecond: number | null;
  readonly commandsPerSecond: number | null;
}

interface Polled {
  report: ClusterReport | undefined;
  /** When the question was put that is still open, on the clock of `performance.now()`. */
  askedAt: number | undefined;
  lastAskedAt: number;
  failure: string | undefined;
}

/** Within so many milliseconds the last answers are used again. */
const FRESH_MS = 950;
/** How many milliseconds a round waits for all answers. A slower answer is in the next round. */
const ROUND_MS = 250;
/** After so many milliseconds a question is given up and put again. */
const TIMEOUT_MS = 10_000;
/** A cluster that has not answered for so many milliseconds has a problem. */
const SILENT_MS = 2_000;
/** Rates over fewer milliseconds than this would jump. */
const MIN_RATE_MS = 500;

/**
 * Asks the clusters for their numbers, at most once a second: the page's viewers, the metrics and the API share one round. A
 * cluster gets one question at a time, and one that hangs holds nobody up.
 */
export class ClusterPolls {
  readonly #clusters: ClusterPool;
  readonly #polled = new WeakMap<ClusterConnection, Polled>();
  #round: Promise<unknown> = Promise.resolve();

  public constructor(clusters: ClusterPool) {
    this.#clusters = clusters;
  }

  /** Resolves when every cluster that answers in time has a report that is at most a second old. */
  public async refresh(): Promise<void> {
    const now = performance.now();
    const due = [...this.#clusters].filter((cluster) => now - this.#of(cluster).lastAskedAt >= FRESH_MS);
    if (due.length > 0) this.#round = Promise.all([this.#round, this.#ask(due)]);
    await this.#round;
  }

  public reportOf(cluster: ClusterConnection): ClusterReport | undefined {
    return this.#polled.get(cluster)?.report;
  }

  /** @returns in words why there is no fresh report, or undefined where there is one. */
  public problemOf(cluster: ClusterConnection): string | undefined {
    const polled = this.#polled.get(cluster);
    if (polled === undefined) return undefined;
    const silentMs = polled.askedAt === undefined ? 0 : performance.now() - polled.askedAt;
    if (silentMs < SILENT_MS) return polled.failure;
    return `has not answered for ${Math.round(silentMs / 1000)} s`;
  }

  #of(cluster: ClusterConnection): Polled {
    let polled = this.#polled.get(cluster);
    if (polled === undefined) {
      polled = { report: undefined, askedAt: undefined, lastAskedAt: Number.NEGATIVE_INFINITY, failure: undefined };
      this.#polled.set(cluster, polled);
    }
    return polled;
  }

  async #ask(clusters: readonly ClusterConnection[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ROUND_MS);
    });
    const answers = clusters.map((cluster) => this.#askOne(cluster));
    await Promise.race([Promise.all(answers), late]);
    clearTimeout(timer);
  }

  async #askOne(cluster: ClusterConnection): Promise<void> {
    const polled = this.#of(cluster);
    if (polled.askedAt !== undefined) return;
    polled.askedAt = performance.now();
    polled.lastAskedAt = polled.askedAt;
    try {
      const stats = await cluster.request('getStats', undefined, { timeoutMs: TIMEOUT_MS });
      polled.report = reportFrom(stats, polled.report);
      polled.failure = undefined;
    } catch (error) {
      polled.failure = messageOf(error);
    }
    polled.askedAt = undefined;
  }
}

function reportFrom(stats: ClusterStats, before: ClusterReport | undefined): ClusterReport {
  const at = performance.now();
  if (before === undefined) return { stats, at, eventsPerSecond: null, commandsPerSecond: null };
  const passedMs = at - before.at;
  if (passedMs < MIN_RATE_MS) return { ...before, stats };
  const rate = (now: number, then: number): number => Math.round(((now - then) * 10_000) / passedMs) / 10;
  return {
    stats,
    at,
    eventsPerSecond: rate(stats.events, before.stats.events),
    commandsPerSecond: rate(stats.commands, before.stats.commands),
  };
}
