import { shardIdOfGuild, shardRanges } from '../../core/discord/shardRanges.js';
import type { ChannelObserver } from '../../core/ipc/Channel.js';
import type { Logger } from '../../core/log/logger.js';
import type { WorkerConnectionOptions } from '../../core/worker/WorkerConnectionOptions.js';
import type { WorkerHost } from '../../core/worker/WorkerHost.js';
import { WorkerPool } from '../../core/worker/WorkerPool.js';
import type { WorkerRegistry } from '../../core/worker/WorkerRegistry.js';
import { ClusterConnection } from './ClusterConnection.js';

export interface ClusterPoolOptions extends ClusterProcessOptions {
  readonly shardCount: number;
  readonly clusterCount: number;
  /** How long a cluster may take to be ready, in milliseconds. The wait for a slot does not count. */
  readonly spawnTimeoutMs: number;
  /** How long a cluster that stops may take to finish its work, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** The clusters' program, see `findEntrypoint`. Default `cluster`. */
  readonly entrypoint?: string | URL | undefined;
  /** Where clusters run. Default: as children of this process. */
  readonly host?: WorkerHost | undefined;
  /** Where it is noted which clusters run. Default: nowhere. */
  readonly registry?: WorkerRegistry | undefined;
  readonly observer?: ChannelObserver | undefined;
  readonly isQueued: (cluster: ClusterConnection) => boolean;
  readonly logger: Logger;
}

/**
 * Node's flags for every cluster.
 *
 * The first opens no port. It says where the debugger would listen if SIGUSR1 asked for it, see `sampleStack`. The second keeps
 * V8's young generation small. Without it, that grows to three times 16 MB while guilds arrive, and V8 never gives the memory
 * back. With many clusters on one machine that is most of what they cost besides the guilds (`npm run bench -- memory`).
 */
const CLUSTER_FLAGS = ['--inspect-port=0', '--max-semi-space-size=4'] as const;

export interface ClusterProcessOptions {
  /** Limit of each cluster's JavaScript heap, in megabytes. Default: Node's own. */
  readonly memoryMb?: number | undefined;
  /** Folder where Node keeps what it has compiled, from Node 22.1 on. Older ones do not look at it. Default: Node's own. */
  readonly compileCache?: string | undefined;
}

/** How the process of a cluster is made. A spare is made alike. */
export function clusterProcess({
  memoryMb,
  compileCache,
}: ClusterProcessOptions): Required<Pick<WorkerConnectionOptions, 'execArgv' | 'env'>> {
  return {
    execArgv: [...CLUSTER_FLAGS, ...(memoryMb === undefined ? [] : [`--max-old-space-size=${memoryMb}`])],
    env: {
      // Other programs can read a process's environment. A cluster gets its token over the connection.
      DISCORD_TOKEN: undefined,
      ADMIN_TOKEN: undefined,
      // Whoever has set it means it.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? compileCache,
    },
  };
}

/** The clusters of a bot: a {@link WorkerPool} that knows which shards, and so which guilds, each cluster has. */
export class ClusterPool extends WorkerPool<ClusterConnection> {
  public readonly shardCount: number;
  readonly #options: ClusterPoolOptions;
  readonly #ranges: readonly (readonly number[])[];

  public constructor(options: ClusterPoolOptions) {
    super('cluster', options.clusterCount, options.spawnTimeoutMs, options.logger);
    this.shardCount = options.shardCount;
    this.#options = options;
    this.#ranges = shardRanges(options.shardCount, options.clusterCount);
  }

  /**
   * @returns the cluster that has this guild, or would have it.
   * @throws RangeError where the id is not a snowflake, WorkerNotFoundError where the cluster is down.
   */
  public getForGuild(guildId: string): ClusterConnection {
    return this.getForShard(shardIdOfGuild(guildId, this.shardCount));
  }

  /** @throws RangeError where there is no such shard, WorkerNotFoundError where its cluster is down. */
  public getForShard(shardId: number): ClusterConnection {
    return this.get(this.clusterIdOfShard(shardId));
  }

  /** @throws RangeError where there is no such shard. */
  public clusterIdOfShard(shardId: number): number {
    const clusterId = this.#ranges.findIndex((shardIds) => shardIds.includes(shardId));
    if (clusterId < 0)
      throw new RangeError(`shard ${shardId} does not exist: ids run from 0 to ${this.shardCount - 1}`);
    return clusterId;
  }

  /** @returns the shards of a cluster, in order. */
  public shardIdsOf(clusterId: number): readonly number[] {
    return this.#ranges[clusterId] ?? [];
  }

  protected override createWorker(id: number): ClusterConnection {
    const { entrypoint, host, registry, drainTimeoutMs, observer, isQueued, logger } = this.#options;
    return new ClusterConnection(id, logger, {
      shardIds: this.shardIdsOf(id),
      isQueued,
      entrypoint,
      drainTimeoutMs,
      host,
      registry,
      observer,
      ...clusterProcess(this.#options),
    });
  }
}
