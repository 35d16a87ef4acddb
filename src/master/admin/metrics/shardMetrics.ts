import type { ShardOverview } from '../../../core/contracts/AdminApi.js';
import type { ShardCounts } from '../../../core/contracts/ClusterContract.js';
import type { SnapshotMetricOptions as Options } from './SnapshotMetric.js';

/** Metrics of each shard. There may be thousands of shards, so each metric costs one series a shard and no more. */
export const shardMetrics: readonly Options[] = [
  {
    name: 'kallisti_shard_state',
    help: 'State of the shard: 1 for the one it is in; the others are left out.',
    type: 'gauge',
    *read({ clusters }) {
      for (const { status } of clusters) {
        for (const { shardId, state } of status.shards) {
          yield { labels: { cluster: status.clusterId, shard: shardId, state }, value: 1 };
        }
      }
    },
  },
  overview('up', 'Whether the shard is connected and ready.', ({ state }) => (state === 'ready' ? 1 : 0)),
  overview('latency_seconds', 'From its last heartbeat to the acknowledgement.', ({ latencyMs }) =>
    latencyMs === null ? null : latencyMs / 1000,
  ),
  overview('guilds', 'Guilds of the shard.', ({ guilds }) => guilds),
  overview(
    'last_pause_seconds',
    'How long it was away in the last handover; none where it came up in another way.',
    ({ lastArrival }) => (lastArrival === null || lastArrival.pauseMs === null ? null : lastArrival.pauseMs / 1000),
  ),
  count('events_total', 'Dispatches that it has handled since its process started.', ({ events }) => events),
  count('identifies_total', 'IDENTIFYs that it has sent since its process started.', ({ identifies }) => identifies),
  count('resumes_total', 'Sessions that it has resumed since its process started.', ({ resumes }) => resumes),
];

function overview(name: string, help: string, read: (shard: ShardOverview) => number | null): Options {
  return {
    name: `kallisti_shard_${name}`,
    help,
    type: 'gauge',
    *read({ clusters }) {
      for (const { status } of clusters) {
        for (const shard of status.shards) {
          const value = read(shard);
          if (value !== null) yield { labels: { cluster: status.clusterId, shard: shard.shardId }, value };
        }
      }
    },
  };
}

function count(name: string, help: string, read: (counts: Partial<ShardCounts>) => number | undefined): Options {
  return {
    name: `kallisti_shard_${name}`,
    help,
    type: 'counter',
    *read({ clusters }) {
      for (const { status, stats } of clusters) {
        for (const shard of stats?.shards ?? []) {
          const value = read(shard);
          if (value !== undefined) yield { labels: { cluster: status.clusterId, shard: shard.shardId }, value };
        }
      }
    },
  };
}
