import type { ClusterState, RestartCause } from '../../../core/contracts/AdminApi.js';
import { REST_LATENCY_BOUNDS_MS, type RestStats } from '../../../core/contracts/ClusterContract.js';
import type { LoopLag } from '../../../core/time/LoopLagMeter.js';
import type { ClusterSnapshot, Labels, SnapshotMetricOptions as Options, Sample } from './SnapshotMetric.js';

const STATES: readonly ClusterState[] = ['starting', 'waiting', 'ready', 'draining', 'crashed', 'failed'];
const CAUSES: readonly RestartCause[] = ['crash', 'failedStart', 'hung', 'deaf', 'memory', 'operator'];

/** Metrics of each cluster. */
export const clusterMetrics: readonly Options[] = [
  {
    name: 'kallisti_cluster_state',
    help: 'State of the cluster: 1 for the one it is in, 0 for the others.',
    type: 'gauge',
    *read({ clusters }) {
      for (const { status } of clusters) {
        for (const state of STATES) {
          yield { labels: { cluster: status.clusterId, state }, value: state === status.state ? 1 : 0 };
        }
      }
    },
  },
  gauge('generation', 'Number of its process among those of the cluster, from 1.', ({ status }) => status.generation),
  gauge('uptime_seconds', 'Since its process started.', ({ status }) => seconds(status.uptimeMs)),
  gauge('resident_memory_bytes', 'Memory of its process.', ({ status }) => status.rssBytes),
  gauge('heap_used_bytes', "Used part of its process's JavaScript heap.", ({ status }) => status.heapBytes),
  gauge('guilds', 'Guilds that it serves.', ({ status }) => status.guilds),
  gauge('users', 'Users that it has cached.', ({ status }) => status.users),
  gauge('resumable_shards', 'Shards that another process could go on with.', ({ status }) => status.resumable),
  counter('cpu_seconds_total', 'Time of the processor that its process took.', ({ stats }) => stats?.cpuSeconds),
  counter('commands_total', 'Commands that have ended.', ({ status }) => status.commands),
  counter(
    'given_up_total',
    'Commands and events that its process did not run again, because processes ended while they ran.',
    ({ stats }) => stats?.givenUp,
  ),
  {
    name: 'kallisti_cluster_command_latency_seconds',
    help: "From a command's dispatch to its acknowledged answer, over the last five minutes.",
    type: 'gauge',
    *read({ clusters }) {
      for (const { status } of clusters) {
        if (status.commandLatencyMs === null) continue;
        const { p50, p99 } = status.commandLatencyMs;
        yield { labels: { cluster: status.clusterId, quantile: '0.5' }, value: p50 / 1000 };
        yield { labels: { cluster: status.clusterId, quantile: '0.99' }, value: p99 / 1000 };
      }
    },
  },
  {
    name: 'kallisti_cluster_event_loop_lag_seconds',
    help: 'How late its event loop ran what was due, over the last 10 to 20 seconds; quantile 1 is the worst.',
    type: 'gauge',
    *read({ clusters }) {
      for (const { status } of clusters) {
        if (status.loopLag !== null) yield* lagSamples(status.loopLag, { cluster: status.clusterId });
      }
    },
  },
  {
    name: 'kallisti_cluster_restarts_total',
    help: 'New processes of the cluster since the master started, by cause.',
    type: 'counter',
    *read({ clusters }) {
      for (const { status, restarts } of clusters) {
        for (const cause of CAUSES) {
          yield { labels: { cluster: status.clusterId, cause }, value: restarts.get(cause) ?? 0 };
        }
      }
    },
  },
  gaugeOf(
    'kallisti_ipc_queue_bytes',
    'Bytes that wait for the cluster to read them.',
    ({ queuedBytes }) => queuedBytes,
  ),
  gaugeOf(
    'kallisti_ipc_pending_requests',
    'Requests to the cluster that wait for their reply.',
    ({ pendingRequests }) => pendingRequests,
  ),
  {
    name: 'kallisti_rest_requests_total',
    help: "Answers of Discord's REST API that the cluster got, by status; 429 is a rate limit.",
    type: 'counter',
    *read({ clusters }) {
      for (const { status: cluster, stats } of clusters) {
        for (const [status, value] of Object.entries(restOf(stats)?.byStatus ?? {})) {
          yield { labels: { cluster: cluster.clusterId, status }, value };
        }
      }
    },
  },
  {
    name: 'kallisti_rest_request_duration_seconds',
    help: "How long answers of Discord's REST API took.",
    type: 'histogram',
    *read({ clusters }) {
      for (const { status, stats } of clusters) {
        const rest = restOf(stats);
        if (rest !== undefined) yield* restLatency(rest, status.clusterId);
      }
    },
  },
];

/** @returns the lag of one process as samples. */
export function* lagSamples({ p50Ms, p99Ms, maxMs }: LoopLag, labels: Labels): Iterable<Sample> {
  yield { labels: { ...labels, quantile: '0.5' }, value: p50Ms / 1000 };
  yield { labels: { ...labels, quantile: '0.99' }, value: p99Ms / 1000 };
  yield { labels: { ...labels, quantile: '1' }, value: maxMs / 1000 };
}

/** A cluster that this master took over may run older code, which counts no REST. */
function restOf(stats: ClusterSnapshot['stats']): RestStats | undefined {
  return stats?.rest;
}

function* restLatency({ latency }: RestStats, cluster: number): Iterable<Sample> {
  let count = 0;
  for (const [index, inBucket] of latency.buckets.entries()) {
    count += inBucket;
    const bound = REST_LATENCY_BOUNDS_MS[index];
    yield { labels: { cluster, le: bound === undefined ? '+Inf' : bound / 1000 }, value: count, suffix: '_bucket' };
  }
  yield { labels: { cluster }, value: latency.sumMs / 1000, suffix: '_sum' };
  yield { labels: { cluster }, value: count, suffix: '_count' };
}

type Read = (cluster: ClusterSnapshot) => number | null | undefined;

function gauge(name: string, help: string, read: Read): Options {
  return gaugeOf(`kallisti_cluster_${name}`, help, read);
}

function counter(name: string, help: string, read: Read): Options {
  return { ...gaugeOf(`kallisti_cluster_${name}`, help, read), type: 'counter' };
}

function gaugeOf(name: string, help: string, read: Read): Options {
  return {
    name,
    help,
    type: 'gauge',
    *read({ clusters }) {
      for (const cluster of clusters) {
        const value = read(cluster);
        if (value !== null && value !== undefined) yield { labels: { cluster: cluster.status.clusterId }, value };
      }
    },
  };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
