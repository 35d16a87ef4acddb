import type {
  ChannelSummary,
  ClusterContract,
  EvalResult,
  EvalTarget,
  FleetStats,
  GuildSummary,
  RestartRequest,
  UserSummary,
} from '../../core/contracts/ClusterContract.js';
import { isSnowflake } from '../../core/discord/shardRanges.js';
import { KallistiError, WorkerNotFoundError } from '../../core/errors.js';
import type { DataOf, ReplyOf } from '../../core/ipc/contract.js';
import type { Logger } from '../../core/log/logger.js';
import type { LogLevel } from '../../core/settings/settings.js';
import { messageOf } from '../../core/text/messageOf.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { FleetRestart } from '../restart/FleetRestart.js';
import type { ClusterConnection } from './ClusterConnection.js';
import type { ClusterPool } from './ClusterPool.js';

/** How long a cluster may take to send its stats, in milliseconds. An answer to a user is deferred after 1.5 s. */
const STATS_TIMEOUT_MS = 1_200;

/** What the commands need of the pool. */
export interface AskedClusters extends Pick<ClusterPool, 'requestAll' | 'shardCount' | 'workerCount'> {
  get(clusterId: number): Pick<ClusterConnection, 'request'>;
  getForGuild(guildId: string): Pick<ClusterConnection, 'request'>;
}

export interface FleetCommandsOptions {
  readonly clusters: AskedClusters;
  readonly restart: Pick<FleetRestart, 'begin'>;
  readonly queue: Pick<IdentifyQueue, 'state'>;
  readonly evaluateInMaster: (code: string) => Promise<EvalResult>;
  /** The master's own logger. Its level is set together with the clusters'. */
  readonly logger: Logger;
}

/** What an operator can ask of the whole bot. Commands in Discord, the HTTP API and the command line all end here. */
export class FleetCommands {
  readonly #options: FleetCommandsOptions;

  public constructor(options: FleetCommandsOptions) {
    this.#options = options;
  }

  /**
   * Finds a guild. Its id says which shard has it, so one cluster is asked and no other.
   *
   * @throws KallistiError INVALID_REQUEST where the id is none of Discord's, WORKER_NOT_FOUND where its cluster is down.
   */
  public async findGuild(guildId: string): Promise<GuildSummary | null> {
    requireSnowflake(guildId);
    return this.#options.clusters.getForGuild(guildId).request('findGuild', { guildId });
  }

  /** Finds a user on whatever cluster knows it. @throws as {@link findGuild} does. */
  public async findUser(userId: string): Promise<UserSummary | null> {
    requireSnowflake(userId);
    return this.#findAnywhere('findUser', { userId });
  }

  /** Finds a channel on whatever cluster has it. @throws as {@link findGuild} does. */
  public async findChannel(channelId: string): Promise<ChannelSummary | null> {
    requireSnowflake(channelId);
    return this.#findAnywhere('findChannel', { channelId });
  }

  /**
   * Runs code on one cluster, on all, or in the master. With `all`, a cluster that cannot be asked is a result like any other.
   *
   * @throws KallistiError NOT_FOUND for a cluster that does not exist, WORKER_NOT_FOUND for one that is down.
   */
  public async evaluate(code: string, target: EvalTarget): Promise<readonly EvalResult[]> {
    if (target === 'master') return [await this.#options.evaluateInMaster(code)];
    if (target !== 'all') return [await this.#get(target.clusterId).request('evaluate', { code })];
    return (await this.#askAll('evaluate', { code })).map((reply, id) =>
      'value' in reply ? reply.value : { target: `cluster ${id}`, ok: false, output: reply.failure },
    );
  }

  /**
   * Begins a rolling restart, and returns at once.
   *
   * @throws KallistiError NOT_FOUND for a cluster that does not exist, RESTART_IN_PROGRESS while another restart rolls.
   */
  public restart(request: RestartRequest): { readonly id: string; readonly clusterIds: readonly number[] } {
    for (const id of request.clusterIds ?? []) requireCluster(id, this.#options.clusters.workerCount);
    return this.#options.restart.begin(request);
  }

  /**
   * Sets how much one cluster logs, or, without `clusterId`, the master and all clusters. It lasts until the process ends.
   *
   * @returns ids of the clusters whose level was set.
   * @throws KallistiError NOT_FOUND for a cluster that does not exist, or the failure of a cluster whose level was not set.
   */
  public async setLogLevel(level: LogLevel, clusterId?: number): Promise<readonly number[]> {
    if (clusterId !== undefined) {
      await this.#get(clusterId).request('setLogLevel', { level });
      return [clusterId];
    }
    this.#options.logger.level = level;
    const replies = await this.#options.clusters.requestAll('setLogLevel', { level });
    for (const reply of replies) if (reply.status === 'rejected') throw reply.reason;
    return replies.map(({ workerId }) => workerId);
  }

  /** Asks every cluster how it is. One that does not answer is in the result, with the reason. */
  public async stats(): Promise<FleetStats> {
    const { clusters, queue } = this.#options;
    const replies = await this.#askAll('getStats', undefined, STATS_TIMEOUT_MS);
    return {
      shardCount: clusters.shardCount,
      masterPid: process.pid,
      masterRssBytes: process.memoryUsage.rss(),
      masterUptimeMs: Math.round(process.uptime() * 1000),
      identifiesRemaining: queue.state().remaining,
      clusters: replies.map((reply, clusterId) =>
        'value' in reply ? reply.value : { clusterId, error: reply.failure },
      ),
    };
  }

  #get(clusterId: number): Pick<ClusterConnection, 'request'> {
    const { clusters } = this.#options;
    requireCluster(clusterId, clusters.workerCount);
    return clusters.get(clusterId);
  }

  /** @returns by cluster id what the cluster replied, or in words why it did not. */
  async #askAll<Name extends 'evaluate' | 'getStats'>(
    name: Name,
    data: DataOf<ToWorker, Name>,
    timeoutMs?: number,
  ): Promise<readonly ({ readonly value: ReplyOf<ToWorker, Name> } | { readonly failure: string })[]> {
    const { clusters } = this.#options;
    const replies = await clusters.requestAll(name, data, timeoutMs === undefined ? {} : { timeoutMs });
    const byId = new Map(replies.map((reply) => [reply.workerId, reply]));
    return Array.from({ length: clusters.workerCount }, (_, id) => {
      const reply = byId.get(id);
      if (reply?.status === 'fulfilled') return { value: reply.value };
      return { failure: reply === undefined ? 'is not running' : messageOf(reply.reason) };
    });
  }

  /**
   * @returns the first thing that a cluster found. Null where all clusters looked and none has it.
   * @throws the first failure, where no cluster found it and not all could look: "not found" would be a guess.
   */
  async #findAnywhere<Name extends 'findUser' | 'findChannel'>(
    name: Name,
    data: DataOf<ToWorker, Name>,
  ): Promise<ReplyOf<ToWorker, Name> | null> {
    const { clusters } = this.#options;
    const replies = await clusters.requestAll(name, data);
    let failure: { readonly reason: unknown } | undefined;
    for (const reply of replies) {
      if (reply.status === 'rejected') failure ??= reply;
      else if (reply.value !== null) return reply.value;
    }
    if (failure !== undefined) throw failure.reason;
    const asked = new Set(replies.map(({ workerId }) => workerId));
    for (let id = 0; id < clusters.workerCount; id++) {
      if (!asked.has(id)) throw new WorkerNotFoundError('cluster', id, 'is not running, so it could not be asked');
    }
    return null;
  }
}

type ToWorker = ClusterContract['toWorker'];

/** @throws KallistiError NOT_FOUND */
export function requireCluster(clusterId: number, clusterCount: number): void {
  if (clusterId >= 0 && clusterId < clusterCount) return;
  throw new KallistiError('NOT_FOUND', `cluster ${clusterId} does not exist: ids run from 0 to ${clusterCount - 1}`);
}

function requireSnowflake(id: string): void {
  if (!isSnowflake(id)) throw new KallistiError('INVALID_REQUEST', 'id: is no id of Discord');
}
