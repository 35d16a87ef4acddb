import type { MetricObjectWithValues, MetricValue } from 'prom-client';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Where it is not the metric's own: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

export interface SnapshotMetricOptions<Snapshot> {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly read: (snapshot: Snapshot) => Iterable<Sample>;
}

/**
 * A metric whose samples are read off the last snapshot whenever it is scraped. prom-client's own metrics would have to be set
 * sample by sample beforehand, know nothing of a counter or a histogram that somebody else has counted, and keep the series of
 * a cluster that is gone.
 */
export class SnapshotMetric<Snapshot> {
  public readonly name: string;
  public readonly help: string;
  public readonly type: SnapshotMetricOptions<Snapshot>['type'];
  readonly #options: SnapshotMetricOptions<Snapshot>;
  readonly #snapshot: () => Snapshot;

  public constructor(options: SnapshotMetricOptions<Snapshot>, snapshot: () => Snapshot) {
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
    // Nothing is kept that could be reset.
  }
}
