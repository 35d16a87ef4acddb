import type { Logger } from '../../core/log/logger.js';
import { IntervalService } from '../../core/services/IntervalService.js';
import { bytes } from '../../core/text/measures.js';
import type { Clock } from '../../core/time/clock.js';
import type { WorkerConnection } from '../../core/worker/WorkerConnection.js';

/** What the monitor needs of one life of a worker. */
export type WatchedWorker = Pick<WorkerConnection, 'state' | 'vitals' | 'heardAt'>;

export interface VitalsMonitorOptions<Watched extends WatchedWorker> {
  readonly clusters: { readonly alive: readonly Watched[] };
  readonly supervisor: {
    reportHung(worker: Watched, silentMs: number): void;
    reportMemory(worker: Watched, detail: string): void;
  };
  /** A cluster that gives no sign of life for longer than this hangs, in milliseconds. */
  readonly hungAfterMs: number;
  readonly logger: Logger;
  /** Default: the system's. It must be the clock of {@link WorkerConnection.heardAt}. */
  readonly clock?: Clock;
}

const INTERVAL_MS = 250;
/** If a look comes later than planned by more than this, the master itself did not run. In milliseconds. */
const OWN_STALL_MS = 1_000;
/** A cluster hands over when its heap fills more than this share of V8's limit, at so many looks in a row. */
const HEAP_LIMIT_SHARE = 0.85;
const HEAP_LOOKS = 20;

/**
 * Watches the signs of life that clusters and spares give, whether they start, serve, wait or drain. It reports a cluster that stops giving them,
 * and one whose heap is nearly full. The supervisor decides what happens then.
 *
 * Only time in which the master itself ran counts. After a pause of the machine or of the master nobody is suspected.
 */
export class VitalsMonitor<Watched extends WatchedWorker> extends IntervalService {
  readonly #options: VitalsMonitorOptions<Watched>;
  readonly #fullLooks = new WeakMap<Watched, number>();
  readonly #reported = new WeakSet<Watched>();
  #lookedAt: number;
  #stalledUntil = 0;

  public constructor(options: VitalsMonitorOptions<Watched>) {
    super(
      { intervalMs: INTERVAL_MS, ...(options.clock === undefined ? {} : { clock: options.clock }) },
      options.logger,
    );
    this.#options = options;
    this.#lookedAt = this.clock.now();
  }

  protected override execute(): void {
    const now = this.clock.now();
    if (now - this.#lookedAt > INTERVAL_MS + OWN_STALL_MS) this.#stalledUntil = now;
    this.#lookedAt = now;
    for (const cluster of this.#options.clusters.alive) {
      if (cluster.vitals === undefined || cluster.state === 'ended') continue;
      this.#checkSilence(cluster, now);
      this.#checkHeap(cluster);
    }
  }

  #checkSilence(cluster: Watched, now: number): void {
    const silentMs = now - Math.max(cluster.heardAt, this.#stalledUntil);
    if (silentMs <= this.#options.hungAfterMs || this.#reported.has(cluster)) return;
    this.#reported.add(cluster);
    this.#options.supervisor.reportHung(cluster, silentMs);
  }

  #checkHeap(cluster: Watched): void {
    const { heapUsedBytes, heapLimitBytes } = cluster.vitals ?? { heapUsedBytes: 0, heapLimitBytes: 1 };
    const isFull = heapUsedBytes > heapLimitBytes * HEAP_LIMIT_SHARE;
    const looks = isFull ? (this.#fullLooks.get(cluster) ?? 0) + 1 : 0;
    this.#fullLooks.set(cluster, looks);
    if (looks < HEAP_LOOKS) return;
    this.#fullLooks.set(cluster, 0);
    const detail = `its heap holds ${bytes(heapUsedBytes)} of ${bytes(heapLimitBytes)}`;
    this.#options.supervisor.reportMemory(cluster, detail);
  }
}
