import type {
  ClusterProgress,
  ClusterStatus,
  HistorySample,
  IdentifyStatus,
  LiveStatus,
  RestartStatus,
  ShardOverview,
  StatusHistory,
} from '../../src/core/contracts/AdminApi.js';
import type { ShardArrival } from '../../src/core/contracts/ClusterContract.js';

/** States of a bot, as the admin API would report them. The numbers vary, and are the same in every run. */

const MEGABYTE = 1e6;
const MINUTE_MS = 60_000;

/** A number between 0 and 1 that looks random, and depends on nothing but its seeds. */
function vary(...seeds: number[]): number {
  const sum = seeds.reduce((a, seed, index) => a + (seed + 1) * (index * 78.233 + 12.9898), 0);
  const value = Math.sin(sum) * 43_758.5453;
  return value - Math.floor(value);
}

export function emptyStatus(): LiveStatus {
  return {
    at: Date.now(),
    phase: 'starting',
    shardCount: 0,
    master: master(4_000),
    clusters: [],
    totals: totalsOf([]),
    spares: null,
    identify: null,
    restart: null,
  };
}

/** @param tick Each is a second later. */
export function busyStatus(clusterCount: number, shardsPerCluster: number, tick = 0): LiveStatus {
  const clusters = Array.from({ length: clusterCount }, (_, id) => readyCluster(id, shardsPerCluster, tick));
  return {
    at: Date.now(),
    phase: 'running',
    shardCount: clusterCount * shardsPerCluster,
    master: master(3 * 86_400_000 + tick * 1000),
    clusters,
    totals: totalsOf(clusters),
    spares: { wanted: 1, ready: 1, loading: 0, rssBytes: 70 * MEGABYTE },
    identify: identify(),
    restart: null,
  };
}

/** Cluster 2 was killed, and shards of others are in the states that a grid has to tell apart. */
export function crashedStatus(tick = 0): LiveStatus {
  const status = busyStatus(8, 8, tick);
  const clusters = status.clusters.map((cluster): ClusterStatus => {
    if (cluster.clusterId === 2) return crashedCluster(cluster);
    if (cluster.clusterId === 5) return startingCluster(cluster);
    if (cluster.clusterId !== 6) return cluster;
    return { ...cluster, problem: 'has not answered for 4 s', loopLag: { p50Ms: 18, p99Ms: 2_140, maxMs: 4_020 } };
  });
  return {
    ...status,
    clusters,
    totals: totalsOf(clusters),
    identify: {
      ...identify(),
      remaining: 0,
      waiting: [42, 43, 44, 45, 46, 47],
      slots: [{ shardId: 41, holder: 'cluster 5, life 3' }],
      heldUp: { until: Date.now() + 94 * MINUTE_MS, shardIds: [46, 47] },
    },
  };
}

/** @param done How many clusters are replaced; the next is under way. */
export function rollingStatus(clusterCount: number, shardsPerCluster: number, done: number, tick = 0): LiveStatus {
  const status = busyStatus(clusterCount, shardsPerCluster, tick);
  const clusters = status.clusters.map((cluster): ClusterStatus => {
    if (cluster.clusterId !== done) return cluster;
    return { ...cluster, successor: { pid: 9_000 + done, generation: cluster.generation + 1, state: 'starting' } };
  });
  return { ...status, clusters, restart: restart(clusters, done) };
}

/** Everything that the API passes on from outside tries to be markup, or to break the layout. */
export function hostileStatus(): LiveStatus {
  const status = crashedStatus();
  const clusters = status.clusters.map((cluster) => ({
    ...cluster,
    problem: cluster.clusterId === 2 ? HOSTILE : cluster.problem,
    restarts: { count: 1, recent: [{ at: status.at - 1000, cause: 'crash' as const, reason: HOSTILE }] },
  }));
  return {
    ...status,
    clusters,
    master: { ...status.master, version: HOSTILE, nodeVersion: HOSTILE },
    restart: {
      ...restart(clusters, 1),
      requestedBy: HOSTILE,
      outcome: 'failed',
      clusters: [{ clusterId: 0, state: 'failed', durationMs: 1, reason: HOSTILE, arrivals: [] }],
    },
  };
}

export const HOSTILE =
  '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\u202Egnp.exe\u0000\u001b[31m' +
  '{{7*7}}&lt;b&gt;"\'`'.padEnd(400, 'W');

/** @param minutes How far back it goes. */
export function history(status: LiveStatus, minutes: number, stepMs = 10_000): StatusHistory {
  const length = Math.round((minutes * MINUTE_MS) / stepMs);
  const samples = Array.from({ length }, (_, index) =>
    sampleAt(status, status.at - (length - 1 - index) * stepMs, index),
  );
  return {
    stepMs,
    at: samples.map(({ at }) => at),
    guilds: samples.map(({ guilds }) => guilds),
    shardsReady: samples.map(({ shardsReady }) => shardsReady),
    eventsPerSecond: samples.map(({ eventsPerSecond }) => eventsPerSecond),
    commandsPerSecond: samples.map(({ commandsPerSecond }) => commandsPerSecond),
    commandP50Ms: samples.map(({ commandP50Ms }) => commandP50Ms),
    commandP99Ms: samples.map(({ commandP99Ms }) => commandP99Ms),
    shardLatencyMs: samples.map(({ shardLatencyMs }) => shardLatencyMs),
    rssBytes: samples.map(({ rssBytes }) => rssBytes),
  };
}

export function sampleAt({ totals, shardCount }: LiveStatus, at: number, seed: number): HistorySample {
  const wave = 1 + 0.18 * Math.sin(seed / 37) + 0.06 * (vary(seed) - 0.5);
  const dip = seed % 360 > 200 && seed % 360 < 214 ? 1 : 0;
  return {
    at,
    guilds: Math.round(totals.guilds * (0.995 + 0.005 * (seed / 360))),
    shardsReady: dip === 1 ? Math.round(shardCount * 0.94) : totals.shardsReady,
    eventsPerSecond: totals.eventsPerSecond * wave,
    commandsPerSecond: totals.commandsPerSecond * (wave + 0.2 * (vary(seed, 2) - 0.5)),
    commandP50Ms: seed % 360 > 90 && seed % 360 < 100 ? null : (totals.commandLatencyMs?.p50 ?? 0) * wave,
    commandP99Ms: seed % 360 > 90 && seed % 360 < 100 ? null : 180 * wave * (1 + 0.3 * vary(seed, 3)) + dip * 120,
    shardLatencyMs: (totals.shardLatencyMs ?? 0) * (1 + 0.1 * vary(seed, 4)),
    rssBytes: totals.rssBytes * (0.9 + 0.1 * ((seed % 180) / 180)),
  };
}

function master(uptimeMs: number): LiveStatus['master'] {
  return {
    pid: 4121,
    version: '0.1.0',
    nodeVersion: 'v20.19.5',
    uptimeMs,
    rssBytes: 96 * MEGABYTE,
    heapBytes: 41 * MEGABYTE,
    loopLag: { p50Ms: 0.4, p99Ms: 3.1, maxMs: 8.7 },
    logLevel: 'info',
    localDiscord: true,
    evalEnabled: false,
  };
}

function identify(): IdentifyStatus {
  return {
    remaining: 848,
    total: 1000,
    reserve: 160,
    resetAt: Date.now() + 7 * 60 * MINUTE_MS,
    maxConcurrency: 16,
    waiting: [],
    slots: [],
    heldUp: null,
  };
}

function readyCluster(clusterId: number, shardsPerCluster: number, tick: number): ClusterStatus {
  const shards = Array.from({ length: shardsPerCluster }, (_, index) =>
    readyShard(clusterId * shardsPerCluster + index, tick),
  );
  const eventsPerSecond = 180 + 90 * vary(clusterId, tick);
  return {
    clusterId,
    state: 'ready',
    problem: null,
    retryAt: null,
    pid: 4_200 + clusterId * 7,
    generation: 1 + (clusterId % 3),
    successor: null,
    uptimeMs: 260_000_000 - clusterId * 3_700_000 + tick * 1000,
    rssBytes: (180 + 90 * vary(clusterId)) * MEGABYTE,
    heapBytes: (90 + 40 * vary(clusterId)) * MEGABYTE,
    loopLag: { p50Ms: 0.2 + vary(clusterId, tick), p99Ms: 2 + 12 * vary(clusterId, tick, 1), maxMs: 30 },
    guilds: shards.reduce((sum, { guilds }) => sum + guilds, 0),
    users: Math.round(40_000 + 20_000 * vary(clusterId)),
    events: 1_200_000 + 211 * tick,
    commands: 31_000 + 4 * tick,
    eventsPerSecond,
    commandsPerSecond: eventsPerSecond / 48,
    commandLatencyMs: { p50: 30 + 20 * vary(clusterId, 5), p99: 110 + 180 * vary(clusterId, 6) },
    resumable: shardsPerCluster,
    shards,
    restarts:
      clusterId % 3 === 0
        ? { count: 0, recent: [] }
        : {
            count: clusterId % 3,
            recent: [
              {
                at: Date.now() - (1 + clusterId) * 7 * MINUTE_MS,
                cause: 'operator' as const,
                reason: 'restart asked for by the command line',
              },
              { at: Date.now() - 3_600_000 * 9, cause: 'memory' as const, reason: 'its heap was 91 % full' },
            ].slice(0, clusterId % 3),
          },
  };
}

function readyShard(shardId: number, tick: number): ShardOverview {
  const shift = Math.floor((tick + shardId) / 40);
  const odd = vary(shardId, 9);
  const base = odd > 0.985 ? 430 : odd > 0.93 ? 170 : 40;
  return {
    shardId,
    state: 'ready',
    latencyMs: Math.round(base + 60 * vary(shardId, shift)),
    guilds: 900 + Math.round(300 * vary(shardId)),
    lastArrival: {
      by: shardId % 5 === 0 ? 'identified' : 'resumed',
      replayed: Math.round(40 * vary(shardId, 3)),
      pauseMs: shardId % 5 === 0 ? null : Math.round(30 + 80 * vary(shardId, 4)),
      at: Date.now() - 3_600_000,
    },
  };
}

function crashedCluster(cluster: ClusterStatus): ClusterStatus {
  const reason = 'was killed by SIGKILL';
  return {
    ...cluster,
    state: 'crashed',
    problem: reason,
    retryAt: Date.now() + 4_000,
    pid: null,
    uptimeMs: null,
    rssBytes: null,
    heapBytes: null,
    loopLag: null,
    guilds: null,
    users: null,
    events: null,
    commands: null,
    eventsPerSecond: null,
    commandsPerSecond: null,
    commandLatencyMs: null,
    shards: cluster.shards.map(({ shardId, guilds }) => ({
      shardId,
      state: 'idle',
      latencyMs: null,
      guilds,
      lastArrival: null,
    })),
    restarts: {
      count: 3,
      recent: [
        { at: Date.now() - 2_000, cause: 'crash', reason },
        { at: Date.now() - 95_000, cause: 'crash', reason: 'exited with code 1: TypeError: guild is undefined' },
        { at: Date.now() - 500_000, cause: 'hung', reason: 'did not answer for 10 s' },
      ],
    },
  };
}

function startingCluster(cluster: ClusterStatus): ClusterStatus {
  const states = ['ready', 'connecting', 'waiting', 'resuming', 'disconnected', 'failed', 'released', 'idle'] as const;
  const shards = cluster.shards.map((shard, index) => ({
    ...shard,
    state: states[index] ?? 'idle',
    latencyMs: index === 0 ? 44 : null,
  }));
  return {
    ...cluster,
    state: 'waiting',
    uptimeMs: 9_000,
    commandLatencyMs: null,
    shards,
    restarts: {
      count: 1,
      recent: [{ at: Date.now() - 12_000, cause: 'failedStart', reason: 'was not ready in time' }],
    },
  };
}

function restart(clusters: readonly ClusterStatus[], done: number): RestartStatus {
  return {
    id: 'r1',
    startedAt: Date.now() - done * 4_100,
    requestedBy: 'status page, 127.0.0.1',
    outcome: done >= clusters.length ? 'done' : 'rolling',
    durationMs: done * 4_100 + 1_200,
    clusters: clusters.map(({ clusterId, shards }): ClusterProgress => {
      if (clusterId > done) return { clusterId, state: 'waiting', durationMs: null, reason: null, arrivals: [] };
      const arrivals = shards.map(
        ({ shardId }): ShardArrival => ({
          shardId,
          by: vary(shardId, 8) > 0.97 ? 'identified' : 'resumed',
          replayed: Math.round(9 * vary(shardId)),
          pauseMs: Math.round(vary(shardId, 8) > 0.97 ? 5_400 : 20 + 90 * vary(shardId, 7)),
        }),
      );
      if (clusterId === done) return { clusterId, state: 'replacing', durationMs: 1_200, reason: null, arrivals: [] };
      return {
        clusterId,
        state: 'replaced',
        durationMs: 3_900 + Math.round(400 * vary(clusterId)),
        reason: null,
        arrivals,
      };
    }),
  };
}

function totalsOf(clusters: readonly ClusterStatus[]): LiveStatus['totals'] {
  const sum = (field: (cluster: ClusterStatus) => number | null) =>
    clusters.reduce((total, cluster) => total + (field(cluster) ?? 0), 0);
  const shards = clusters.flatMap((cluster) => cluster.shards);
  const latencies = shards.flatMap(({ latencyMs }) => (latencyMs === null ? [] : [latencyMs]));
  return {
    clustersReady: clusters.filter(({ state }) => state === 'ready').length,
    shardsReady: shards.filter(({ state }) => state === 'ready').length,
    guilds: sum(({ guilds }) => guilds),
    users: sum(({ users }) => users),
    events: sum(({ events }) => events),
    commands: sum(({ commands }) => commands),
    eventsPerSecond: sum(({ eventsPerSecond }) => eventsPerSecond),
    commandsPerSecond: sum(({ commandsPerSecond }) => commandsPerSecond),
    rssBytes: 96 * MEGABYTE + sum(({ rssBytes }) => rssBytes),
    commandLatencyMs: clusters.length === 0 ? null : { p50: 38, p99: 287 },
    shardLatencyMs: latencies.length === 0 ? null : latencies.reduce((a, b) => a + b, 0) / latencies.length,
  };
}
