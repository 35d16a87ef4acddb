import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { ClusterStatus, LiveStatus } from '../../../core/contracts/AdminApi.js';
import type { ClusterStats } from '../../../core/contracts/ClusterContract.js';

/** The data of one scrape. */
export interface MetricsSnapshot {
  readonly status: LiveStatus;
  readonly clusters: readonly ClusterSnapshot[];
  /** Viewers of the event stream. */
  readonly viewers: number;
}

export interface ClusterSnapshot {
  readonly status: ClusterStatus;
  /** Undefined before this process has answered for the first time. */
  readonly stats: ClusterStats | undefined;
  readonly queuedBytes: number;
  readonly pendingRequests: number;
  /** Of all its processes since the master started, by cause. */
  readonly restarts: ReadonlyMap<string, number>;
}

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Added to the metric's name, for the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

export interface SnapshotMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly read: (snapshot: MetricsSnapshot) => Iterable<Sample>;
}

/**
 * A metric whose samples are read from the last snapshot at each scrape. prom-client's own metrics would have to be set sample by
 * sample beforehand. They cannot take over a counter or a histogram that another process has counted, and they keep the series
 * of a cluster that is gone.
 */
export class SnapshotMetric {
  public readonly name: string;
  public readonly help: string;
  public readonly type: SnapshotMetricOptions['type'];
  readonly #options: SnapshotMetricOptions;
  readonly #snapshot: () => MetricsSnapshot;

  public constructor(options: SnapshotMetricOptions, snapshot: () => MetricsSnapshot) {
    this.name = options.name;
    this.help = options.help;
    this.type = options.type;
    this.#options = options;
    this.#snapshot = snapshot;
  }

  /** Called by prom-client's registry. */
  public async get(): Promise<Pick<MetricObjectWithValues<MetricValue<string>>, 'name' | 'help' | 'values'>> {
    const values: (MetricValue<string> & { metricName?: string })[] = [];
    for (const { labels, value, suffix } of this.#options.read(this.#snapshot())) {
      values.push({
        value,
        labels: labels ?? {},
        ...(suffix === undefined ? {} : { metricName: `${this.name}${suffix}` }),
      });
    }
    return Object.assign({ name: this.name, help: this.help, values }, { type: this.type });
  }

  public reset(): void {
    // There is nothing to reset.
  }
}
