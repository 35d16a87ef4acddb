import { getHeapStatistics } from 'node:v8';
import type {
  ClusterStatus,
  FleetTotals,
  IdentifyStatus,
  LiveStatus,
  MasterStatus,
  Readiness,
  SpareStatus,
} from '../../core/contracts/AdminApi.js';
import type { LogLevel } from '../../core/settings/settings.js';
import type { LoopLagMeter } from '../../core/time/LoopLagMeter.js';
import type { IdentifyQueueState } from '../identify/IdentifyQueue.js';
import type { AdminFleet } from './AdminContext.js';
import type { ArrivalBook } from './ArrivalBook.js';
import type { ClusterPolls } from './ClusterPolls.js';
import { clusterStatus } from './clusterStatus.js';

export interface StatusCollectorOptions {
  readonly version: string;
  readonly loopLag: Pick<LoopLagMeter, 'read'>;
  readonly logLevel: () => LogLevel;
  readonly localDiscord: boolean;
  readonly evalEnabled: boolean;
  /** Fires when the master is told to stop. */
  readonly stopping: AbortSignal;
}

/** The parts of a bot that has clusters. */
export interface WatchedFleet {
  readonly fleet: AdminFleet;
  readonly polls: ClusterPolls;
  readonly arrivals: ArrivalBook;
}

/** Collects the status of everything. States are those of the moment; a cluster's numbers are at most a second old. */
export class StatusCollector {
  readonly #options: StatusCollectorOptions;
  #watched: WatchedFleet | undefined;

  public constructor(options: StatusCollectorOptions) {
    this.#options = options;
  }

  /** Call it before the first cluster is spawned. */
  public watch(watched: WatchedFleet): void {
    this.#watched = watched;
  }

  public async collect(): Promise<LiveStatus> {
    await this.#watched?.polls.refresh();
    return this.#build();
  }

  /** Asks no cluster, so that it is right even if none answers. */
  public readiness(): Readiness {
    const phase = this.#phase;
    if (phase !== 'running') return { ready: false, reason: `the master is ${phase}`, notReady: [] };
    const notReady = this.#clusters().filter(({ state }) => state !== 'ready');
    if (notReady.length === 0) return { ready: true, reason: null, notReady: [] };
    const list = notReady.map(({ clusterId, state }) => `${clusterId} (${state})`).join(', ');
    return {
      ready: false,
      reason: `not ready: cluster ${list}`,
      notReady: notReady.map(({ clusterId, state }) => ({ clusterId, state })),
    };
  }

  get #phase(): LiveStatus['phase'] {
    if (this.#options.stopping.aborted) return 'stopping';
    return this.#watched === undefined ? 'starting' : 'running';
  }

  #build(): LiveStatus {
    const clusters = this.#clusters();
    const master = this.#master();
    const fleet = this.#watched?.fleet;
    const spares = fleet?.spares.status ?? null;
    return {
      at: Date.now(),
      phase: this.#phase,
      shardCount: fleet?.clusters.shardCount ?? 0,
      master,
      clusters,
      totals: totalsOf(clusters, master, spares),
      spares,
      identify: fleet === undefined ? null : identifyStatus(fleet.queue.state()),
      restart: fleet?.restart.current ?? null,
    };
  }

  #clusters(): readonly ClusterStatus[] {
    if (this.#watched === undefined) return [];
    const { fleet } = this.#watched;
    const waiting = new Set(fleet.queue.state().waiting.flatMap(({ shardIds }) => shardIds));
    const sources = { ...this.#watched, waiting, isStopping: this.#options.stopping.aborted };
    return Array.from({ length: fleet.clusters.workerCount }, (_, clusterId) => clusterStatus(clusterId, sources));
  }

  #master(): MasterStatus {
    const { version, loopLag, logLevel, localDiscord, evalEnabled } = this.#options;
    return {
      pid: process.pid,
      version,
      nodeVersion: process.version,
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
      heapBytes: getHeapStatistics().used_heap_size,
      loopLag: loopLag.read(),
      logLevel: logLevel(),
      localDiscord,
      evalEnabled,
    };
  }
}

function identifyStatus(state: IdentifyQueueState): IdentifyStatus {
  const { remaining, total, reserve, resetAt, maxConcurrency, waiting, slots, budgetWait } = state;
  return {
    remaining,
    total,
    reserve,
    resetAt,
    maxConcurrency,
    waiting: waiting.flatMap(({ shardIds }) => shardIds),
    slots: slots.map(({ shardId, holder }) => ({ shardId, holder })),
    heldUp: budgetWait,
  };
}

function totalsOf(clusters: readonly ClusterStatus[], master: MasterStatus, spares: SpareStatus | null): FleetTotals {
  const sum = (of: (cluster: ClusterStatus) => number | null): number =>
    clusters.reduce((total, cluster) => total + (of(cluster) ?? 0), 0);
  const shards = clusters.flatMap((cluster) => cluster.shards);
  const latencies = shards.flatMap(({ latencyMs }) => latencyMs ?? []);
  const commands = clusters.flatMap(({ commandLatencyMs }) => commandLatencyMs ?? []);
  const medians = commands.map(({ p50 }) => p50).sort((left, right) => left - right);
  const p50 = medians[medians.length >> 1];
  const rounded = (rate: number): number => Math.round(rate * 10) / 10;
  return {
    clustersReady: clusters.filter(({ state }) => state === 'ready').length,
    shardsReady: shards.filter(({ state }) => state === 'ready').length,
    guilds: sum(({ guilds }) => guilds),
    users: sum(({ users }) => users),
    events: sum(({ events }) => events),
    commands: sum(({ commands: handled }) => handled),
    eventsPerSecond: rounded(sum(({ eventsPerSecond }) => eventsPerSecond)),
    commandsPerSecond: rounded(sum(({ commandsPerSecond }) => commandsPerSecond)),
    rssBytes: master.rssBytes + (spares?.rssBytes ?? 0) + sum(({ rssBytes }) => rssBytes),
    commandLatencyMs: p50 === undefined ? null : { p50, p99: Math.max(...commands.map(({ p99 }) => p99)) },
    shardLatencyMs: latencies.length === 0 ? null : Math.round(latencies.reduce((a, b) => a + b, 0) / latencies.length),
  };
}
