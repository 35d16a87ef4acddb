import type { AdminStatus, ClusterProgress, ClusterStatus, RestartStatus } from '../../src/core/contracts/AdminApi.js';

/** A time that tests count from. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A cluster of two shards that serves. */
export function sampleCluster(clusterId: number, changes: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    clusterId,
    state: 'ready',
    problem: null,
    retryAt: null,
    pid: 1000 + clusterId,
    generation: 1,
    successor: null,
    uptimeMs: 3_723_000,
    rssBytes: 123_400_000,
    heapBytes: 60_000_000,
    loopLag: { p50Ms: 0.4, p99Ms: 2.25, maxMs: 9 },
    guilds: 1234,
    users: 50_000,
    events: 100_000,
    commands: 900,
    eventsPerSecond: 42.4,
    commandsPerSecond: 1.25,
    commandLatencyMs: { p50: 12, p99: 48 },
    resumable: 2,
    shards: [0, 1].map((index) => ({
      shardId: 2 * clusterId + index,
      state: 'ready' as const,
      latencyMs: 31,
      guilds: 617,
      lastArrival: { by: 'resumed' as const, replayed: 3, pauseMs: 14, at: NOW - 60_000 },
    })),
    restarts: { count: 0, recent: [] },
    ...changes,
  };
}

/** Two clusters, all is well. */
export function sampleStatus(changes: Partial<AdminStatus> = {}): AdminStatus {
  const clusters = changes.clusters ?? [sampleCluster(0), sampleCluster(1)];
  return {
    at: NOW,
    phase: 'running',
    shardCount: 2 * clusters.length,
    master: {
      pid: process.pid,
      version: '1.2.3',
      nodeVersion: 'v20.1.2',
      uptimeMs: 90_061_000,
      rssBytes: 80_000_000,
      heapBytes: 30_000_000,
      loopLag: { p50Ms: 0.1, p99Ms: 1, maxMs: 3 },
      logLevel: 'info',
      localDiscord: false,
      evalEnabled: true,
    },
    clusters,
    totals: {
      clustersReady: clusters.filter(({ state }) => state === 'ready').length,
      shardsReady: clusters.filter(({ state }) => state === 'ready').length * 2,
      guilds: 2468,
      users: 100_000,
      events: 200_000,
      commands: 1800,
      eventsPerSecond: 84.8,
      commandsPerSecond: 2.5,
      rssBytes: 326_800_000,
      commandLatencyMs: { p50: 12, p99: 48 },
      shardLatencyMs: 31,
    },
    spares: { wanted: 1, ready: 1, loading: 0, rssBytes: 60_000_000 },
    identify: {
      remaining: 990,
      total: 1000,
      reserve: 100,
      resetAt: NOW + 7_200_000,
      maxConcurrency: 1,
      waiting: [],
      slots: [],
      heldUp: null,
    },
    restart: null,
    history: {
      stepMs: 15_000,
      at: [],
      guilds: [],
      shardsReady: [],
      eventsPerSecond: [],
      commandsPerSecond: [],
      commandP50Ms: [],
      commandP99Ms: [],
      shardLatencyMs: [],
      rssBytes: [],
    },
    ...changes,
  };
}

export function sampleProgress(clusterId: number, changes: Partial<ClusterProgress> = {}): ClusterProgress {
  return { clusterId, state: 'waiting', durationMs: null, reason: null, arrivals: [], ...changes };
}

/** A cluster of two shards that was replaced. */
export function replaced(clusterId: number): ClusterProgress {
  return sampleProgress(clusterId, {
    state: 'replaced',
    durationMs: 2100,
    arrivals: [
      { shardId: 2 * clusterId, by: 'resumed', replayed: 4, pauseMs: 11 },
      { shardId: 2 * clusterId + 1, by: 'resumed', replayed: 1, pauseMs: 17 },
    ],
  });
}

export function sampleRestart(changes: Partial<RestartStatus> = {}): RestartStatus {
  return {
    id: 'r1',
    startedAt: NOW,
    requestedBy: 'the admin API',
    outcome: 'rolling',
    durationMs: 500,
    clusters: [sampleProgress(0, { state: 'replacing' }), sampleProgress(1)],
    ...changes,
  };
}
