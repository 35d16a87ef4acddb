import type { IdentifyStatus, LiveStatus } from '../../../core/contracts/AdminApi.js';
import { lagSamples } from './clusterMetrics.js';
import type { SnapshotMetricOptions as Options, Sample } from './SnapshotMetric.js';

/** Metrics of the master, and of the bot as a whole. The first four have the names that every program uses. */
export const masterMetrics: readonly Options[] = [
  {
    name: 'process_cpu_seconds_total',
    help: 'Time of the processor that the master took.',
    type: 'counter',
    *read() {
      const { user, system } = process.cpuUsage();
      yield { value: (user + system) / 1e6 };
    },
  },
  single('process_resident_memory_bytes', 'Memory of the master.', ({ master }) => master.rssBytes),
  single('process_start_time_seconds', 'When the master started, in seconds since 1970.', ({ at, master }) =>
    Math.round((at - master.uptimeMs) / 1000),
  ),
  single('nodejs_heap_size_used_bytes', "Used part of the master's JavaScript heap.", ({ master }) => master.heapBytes),
  {
    name: 'kallisti_info',
    help: 'Versions of the master; always 1.',
    type: 'gauge',
    *read({ status: { master } }) {
      yield { labels: { version: master.version, node_version: master.nodeVersion }, value: 1 };
    },
  },
  {
    name: 'kallisti_master_event_loop_lag_seconds',
    help: "How late the master's event loop ran what was due, over the last 10 to 20 seconds; quantile 1 is the worst.",
    type: 'gauge',
    read: ({ status }) => lagSamples(status.master.loopLag, {}),
  },
  single('kallisti_clusters', 'Clusters that there should be.', ({ clusters }) => clusters.length),
  single('kallisti_clusters_ready', 'Clusters that are ready.', ({ totals }) => totals.clustersReady),
  single(
    'kallisti_spares',
    'Processes that should wait to take the place of a cluster.',
    ({ spares }) => spares?.wanted ?? 0,
  ),
  single(
    'kallisti_spares_ready',
    'Processes that wait to take the place of a cluster.',
    ({ spares }) => spares?.ready ?? 0,
  ),
  single('kallisti_shards', 'Shards that there should be.', ({ shardCount }) => shardCount),
  single('kallisti_shards_ready', 'Shards that are connected and ready.', ({ totals }) => totals.shardsReady),
  single('kallisti_rolling_restart', 'Whether a rolling restart is under way.', ({ restart }) =>
    restart?.outcome === 'rolling' ? 1 : 0,
  ),
  identify('budget_remaining', 'IDENTIFYs left until Discord counts anew.', ({ remaining }) => remaining),
  identify('budget_limit', 'IDENTIFYs that Discord allows in its window.', ({ total }) => total),
  identify('budget_reserve', 'IDENTIFYs kept back from planned restarts.', ({ reserve }) => reserve),
  identify('budget_reset_timestamp_seconds', 'When Discord counts anew, in seconds since 1970.', ({ resetAt }) =>
    resetAt === null ? null : resetAt / 1000,
  ),
  identify('waiting_shards', 'Shards that wait for a slot to identify.', ({ waiting }) => waiting.length),
  identify('slots', 'Slots to identify that are out.', ({ slots }) => slots.length),
  identify('held_up_shards', 'Shards that wait because the budget is spent, or down to its reserve.', ({ heldUp }) =>
    heldUp === null ? 0 : heldUp.shardIds.length,
  ),
  {
    name: 'kallisti_admin_viewers',
    help: 'Open event streams of the admin API.',
    type: 'gauge',
    *read({ viewers }) {
      yield { value: viewers };
    },
  },
];

function single(name: string, help: string, read: (status: LiveStatus) => number): Options {
  return {
    name,
    help,
    type: 'gauge',
    *read({ status }): Iterable<Sample> {
      yield { value: read(status) };
    },
  };
}

function identify(name: string, help: string, read: (status: IdentifyStatus) => number | null): Options {
  return {
    name: `kallisti_identify_${name}`,
    help,
    type: 'gauge',
    *read({ status }): Iterable<Sample> {
      const value = status.identify === null ? null : read(status.identify);
      if (value !== null) yield { value };
    },
  };
}
