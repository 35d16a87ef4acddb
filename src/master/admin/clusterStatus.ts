import type {
  ClusterRestarts,
  ClusterState,
  ClusterStatus,
  RestartCause,
  ShardOverview,
} from '../../core/contracts/AdminApi.js';
import type { ClusterStats, ShardCounts, ShardStatus } from '../../core/contracts/ClusterContract.js';
import { firstLine } from '../../core/text/messageOf.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { AdminFleet } from './AdminContext.js';
import type { ArrivalBook } from './ArrivalBook.js';
import type { ClusterPolls } from './ClusterPolls.js';

const RECENT = 10;

/** The processes of one cluster. */
interface Lives {
  readonly serving: ClusterConnection | undefined;
  readonly starting: ClusterConnection | undefined;
  readonly draining: ClusterConnection | undefined;
}

export interface ClusterStatusSources {
  readonly fleet: Pick<AdminFleet, 'clusters' | 'supervisor'>;
  readonly polls: Pick<ClusterPolls, 'reportOf' | 'problemOf'>;
  readonly arrivals: Pick<ArrivalBook, 'of'>;
  /** Shards that wait in the identify queue. */
  readonly waiting: ReadonlySet<number>;
  /** The master stops: a cluster without a process does not come back. */
  readonly isStopping: boolean;
}

/** @returns the status of a cluster, from what the pool and the supervisor know now and from its own last report. */
export function clusterStatus(clusterId: number, sources: ClusterStatusSources): ClusterStatus {
  const { fleet, polls, waiting } = sources;
  const lives = livesOf(clusterId, fleet.clusters);
  const state = stateOf(clusterId, lives, sources);
  const cluster = lives.serving ?? lives.starting ?? lives.draining;
  const report = cluster === undefined ? undefined : polls.reportOf(cluster);
  const stats = report?.stats;
  const { serving, starting } = lives;
  return {
    clusterId,
    state,
    problem: problemOf(clusterId, state, cluster, sources),
    retryAt: fleet.supervisor.retryAtOf(clusterId) ?? null,
    pid: cluster?.pid ?? null,
    generation: cluster?.generation ?? 0,
    successor:
      serving === undefined || starting === undefined
        ? null
        : {
            pid: starting.pid ?? null,
            generation: starting.generation,
            state: isWaiting(starting, waiting) ? 'waiting' : 'starting',
          },
    uptimeMs: stats?.uptimeMs ?? null,
    rssBytes: stats?.rssBytes ?? cluster?.vitals?.rssBytes ?? null,
    // A cluster that this master took over may run older code, which reports less.
    heapBytes: stats?.heapBytes ?? cluster?.vitals?.heapUsedBytes ?? null,
    loopLag: stats?.loopLag ?? null,
    guilds: stats?.guilds ?? null,
    users: stats?.users ?? null,
    events: stats?.events ?? null,
    commands: stats?.commands ?? null,
    eventsPerSecond: report?.eventsPerSecond ?? null,
    commandsPerSecond: report?.commandsPerSecond ?? null,
    commandLatencyMs: roundedLatency(stats?.commandLatencyMs),
    resumable: stats?.resumable ?? null,
    shards: shardsOf(clusterId, cluster, stats?.shards, sources),
    restarts: restartsOf(clusterId, fleet),
  };
}

export function livesOf(clusterId: number, clusters: AdminFleet['clusters']): Lives {
  const serving = clusters.tryGet(clusterId);
  const others = clusters.alive.filter((cluster) => cluster.id === clusterId && cluster !== serving);
  return {
    serving,
    starting: others.findLast(({ state }) => state === 'starting' || state === 'idle'),
    draining: others.findLast(({ state }) => state === 'stopping'),
  };
}

function stateOf(
  clusterId: number,
  { serving, starting, draining }: Lives,
  { fleet, waiting, isStopping }: ClusterStatusSources,
): ClusterState {
  if (serving !== undefined) return serving.state === 'stopping' ? 'draining' : 'ready';
  if (starting !== undefined) return isWaiting(starting, waiting) ? 'waiting' : 'starting';
  if (draining !== undefined || isStopping) return 'draining';
  const state = fleet.supervisor.stateOf(clusterId);
  return state === 'failed' ? 'failed' : state === 'backingOff' ? 'crashed' : 'starting';
}

/** Restarts that are no failure: the old process serves until the new one is ready. */
const REPLACEMENTS: ReadonlySet<RestartCause> = new Set(['operator', 'memory', 'deaf']);

function isWaiting({ shardIds }: ClusterConnection, waiting: ReadonlySet<number>): boolean {
  return shardIds.some((shardId) => waiting.has(shardId));
}

function problemOf(
  clusterId: number,
  state: ClusterState,
  cluster: ClusterConnection | undefined,
  { fleet, polls }: ClusterStatusSources,
): string | null {
  if (state === 'ready' && cluster !== undefined) return polls.problemOf(cluster) ?? null;
  if (state === 'waiting') return 'waits for a slot to identify';
  const last = fleet.supervisor.historyOf(clusterId)?.entries.at(-1);
  const failed = last !== undefined && !REPLACEMENTS.has(last.cause);
  return failed && state !== 'draining' ? firstLine(last.reason) : null;
}

function shardsOf(
  clusterId: number,
  cluster: ClusterConnection | undefined,
  polled: readonly (ShardStatus & Partial<ShardCounts>)[] | undefined,
  { fleet, arrivals }: ClusterStatusSources,
): readonly ShardOverview[] {
  const byId = new Map(polled?.map((shard) => [shard.shardId, shard]));
  return fleet.clusters.shardIdsOf(clusterId).map((shardId) => {
    const shard = byId.get(shardId);
    // A cluster reports a change of state at once, so this is never older than its last answer.
    const state = cluster?.shards.get(shardId)?.state ?? shard?.state ?? 'idle';
    const latencyMs = shard?.latencyMs ?? null;
    return { shardId, state, latencyMs, guilds: shard?.guilds ?? 0, lastArrival: arrivals.of(shardId) ?? null };
  });
}

function roundedLatency(latency: ClusterStats['commandLatencyMs'] | undefined): ClusterStatus['commandLatencyMs'] {
  const rounded = (ms: number): number => Math.round(ms * 10) / 10;
  return latency === null || latency === undefined ? null : { p50: rounded(latency.p50), p99: rounded(latency.p99) };
}

function restartsOf(clusterId: number, { supervisor }: Pick<AdminFleet, 'supervisor'>): ClusterRestarts {
  const history = supervisor.historyOf(clusterId);
  if (history === undefined) return { count: 0, recent: [] };
  const recent = history.entries
    .slice(-RECENT)
    .reverse()
    .map((entry) => ({ ...entry, reason: firstLine(entry.reason) }));
  return { count: [...history.counts.values()].reduce((sum, count) => sum + count, 0), recent };
}
