import type { ClusterStats, FleetStats } from '../../core/contracts/ClusterContract.js';
import type { Logger } from '../../core/log/logger.js';
import type { StatusLine } from '../../core/log/StatusLine.js';
import { IntervalService } from '../../core/services/IntervalService.js';
import type { ClusterConnection } from './ClusterConnection.js';
import type { FleetCommands } from './FleetCommands.js';

/** What is looked at of the pool. */
interface ShardsOfClusters {
  readonly alive: readonly Pick<ClusterConnection, 'shards'>[];
}

const INTERVAL_MS = 1_000;

/** Keeps the terminal's status line: progress while shards come up, then how the bot is doing. */
export class StatusReporter extends IntervalService {
  public constructor(
    private readonly status: Pick<StatusLine, 'set' | 'clear'>,
    private readonly clusters: ShardsOfClusters & { readonly shardCount: number },
    private readonly fleet: Pick<FleetCommands, 'stats'>,
    logger: Logger,
  ) {
    super({ intervalMs: INTERVAL_MS, immediate: true }, logger);
  }

  public override async stop(): Promise<void> {
    await super.stop();
    this.status.clear();
  }

  protected override async execute(): Promise<void> {
    const ready = readyShards(this.clusters);
    if (ready + failedShards(this.clusters).length < this.clusters.shardCount) {
      this.status.set(`shards ${ready}/${this.clusters.shardCount}`);
      return;
    }
    this.status.set(statusText(ready, await this.fleet.stats()));
  }
}

/** @returns how many shards are ready, as their clusters last said. */
export function readyShards(clusters: ShardsOfClusters): number {
  const ready = new Set<number>();
  for (const cluster of clusters.alive) {
    for (const { shardId, state } of cluster.shards.values()) if (state === 'ready') ready.add(shardId);
  }
  return ready.size;
}

/** @returns ids of the shards that Discord refuses while it accepts the others. */
export function failedShards(clusters: ShardsOfClusters): readonly number[] {
  const shards = clusters.alive.flatMap((cluster) => [...cluster.shards.values()]);
  const failed = shards.filter(({ state }) => state === 'failed').map(({ shardId }) => shardId);
  return [...new Set(failed)].sort((a, b) => a - b);
}

function statusText(ready: number, fleet: FleetStats): string {
  const clusters = fleet.clusters.filter((cluster): cluster is ClusterStats => !('error' in cluster));
  const sum = (of: (cluster: ClusterStats) => number): string =>
    clusters.reduce((total, cluster) => total + of(cluster), 0).toLocaleString('en');
  const p99s = clusters.flatMap(({ commandLatencyMs }) => commandLatencyMs?.p99 ?? []);
  return [
    `shards ${ready}/${fleet.shardCount}`,
    `clusters ${clusters.length}/${fleet.clusters.length}`,
    `guilds ${sum(({ guilds }) => guilds)}`,
    `commands ${sum(({ commands }) => commands)}`,
    // Without a command in the last five minutes there is no latency.
    ...(p99s.length === 0 ? [] : [`latency p99 ${Math.round(Math.max(...p99s))} ms`]),
  ].join(' · ');
}
