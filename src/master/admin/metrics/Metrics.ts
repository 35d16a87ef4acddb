import { Counter, Histogram, type Metric, Registry } from 'prom-client';
import type { ShardArrival } from '../../../core/contracts/ClusterContract.js';
import { ERROR_CODES } from '../../../core/errors.js';
import type { ChannelObserver } from '../../../core/ipc/Channel.js';
import type { JobOutcome } from '../../jobs/JobScheduler.js';
import { clusterMetrics } from './clusterMetrics.js';
import { masterMetrics } from './masterMetrics.js';
import { type MetricsSnapshot, SnapshotMetric } from './SnapshotMetric.js';
import { shardMetrics } from './shardMetrics.js';

/** In seconds. Requests between processes take parts of a millisecond, and at most their timeout. */
const IPC_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10];
/** In seconds. A handover takes tens of milliseconds, an IDENTIFY seconds. */
const PAUSE_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const ADMIN_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/**
 * Everything that Prometheus may scrape. What happens in the master is counted as it happens. The rest is read from a snapshot at
 * the scrape, so that clusters are asked at most once a second, however many programs scrape.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #pause: Histogram;
  readonly #arrivals: Counter<'by'>;
  readonly #replayed: Counter;
  readonly #jobRuns: Counter<'name' | 'outcome'>;
  readonly #ipc: Histogram<'direction' | 'message'>;
  readonly #ipcErrors: Counter<'direction' | 'message' | 'code'>;
  readonly #admin: Histogram<'route' | 'status'>;
  #snapshot: MetricsSnapshot | undefined;

  public constructor() {
    const registers = [this.#registry];
    this.#pause = new Histogram({
      name: 'kallisti_handover_pause_seconds',
      help: "From the old process's release of a shard to the first moment in which the new one serves it.",
      buckets: PAUSE_BUCKETS,
      registers,
    });
    this.#arrivals = new Counter({
      name: 'kallisti_shard_arrivals_total',
      help: 'Shards that came up in a new process, by identifying or by resuming.',
      labelNames: ['by'],
      registers,
    });
    this.#replayed = new Counter({
      name: 'kallisti_replayed_events_total',
      help: 'Events that Discord had kept for shards that came up in a new process.',
      registers,
    });
    this.#jobRuns = new Counter({
      name: 'kallisti_job_runs_total',
      help: 'Runs of jobs, by what became of them.',
      labelNames: ['name', 'outcome'],
      registers,
    });
    this.#ipc = new Histogram({
      name: 'kallisti_ipc_request_duration_seconds',
      help: 'Requests between the master and its clusters, from the request to its end.',
      labelNames: ['direction', 'message'],
      buckets: IPC_BUCKETS,
      registers,
    });
    this.#ipcErrors = new Counter({
      name: 'kallisti_ipc_request_errors_total',
      help: 'Requests between the master and its clusters that failed, by code.',
      labelNames: ['direction', 'message', 'code'],
      registers,
    });
    this.#admin = new Histogram({
      name: 'kallisti_admin_request_duration_seconds',
      help: 'Requests to the admin API, by route and status.',
      labelNames: ['route', 'status'],
      buckets: ADMIN_BUCKETS,
      registers,
    });
    for (const by of ['identified', 'resumed']) this.#arrivals.inc({ by }, 0);
    for (const options of [...masterMetrics, ...clusterMetrics, ...shardMetrics]) {
      const metric = new SnapshotMetric(options, () => this.#current());
      // The registry calls `get` and no more; its type asks for one of prom-client's own classes.
      this.#registry.registerMetric(metric as unknown as Metric);
    }
  }

  public get contentType(): string {
    return this.#registry.contentType;
  }

  /** Measures the requests between the master and its clusters. */
  public readonly observer: ChannelObserver = {
    requested: (name, durationMs, code) => this.#observeIpc('to_cluster', name, durationMs, code),
    served: (name, durationMs, code) => this.#observeIpc('to_master', name, durationMs, code),
  };

  public noteArrival({ by, replayed, pauseMs }: ShardArrival): void {
    this.#arrivals.inc({ by });
    this.#replayed.inc(replayed);
    if (pauseMs !== null) this.#pause.observe(pauseMs / 1000);
  }

  public noteJobRun(name: string, outcome: JobOutcome): void {
    // Not `job`: Prometheus has a label of that name itself.
    this.#jobRuns.inc({ name, outcome });
  }

  /** @param route as it was declared, so that no stranger's path becomes a series of its own. */
  public noteRequest(route: string, status: number, durationMs: number): void {
    this.#admin.observe({ route, status }, durationMs / 1000);
  }

  /** @returns the snapshot and the counts, in Prometheus's text format. */
  public render(snapshot: MetricsSnapshot): Promise<string> {
    this.#snapshot = snapshot;
    return this.#registry.metrics();
  }

  #current(): MetricsSnapshot {
    if (this.#snapshot === undefined) throw new Error('metrics were read before there was a snapshot');
    return this.#snapshot;
  }

  #observeIpc(direction: string, message: string, durationMs: number, code: string | undefined): void {
    this.#ipc.observe({ direction, message }, durationMs / 1000);
    if (code === undefined) return;
    // A handler may throw anybody's errors, whose codes are without number.
    this.#ipcErrors.inc({ direction, message, code: Object.hasOwn(ERROR_CODES, code) ? code : 'OTHER' });
  }
}
