import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { RestartStatus } from '../../core/contracts/AdminApi.js';
import { arrivalText } from '../../core/contracts/arrivalText.js';
import type { RestartRequest, ShardArrival } from '../../core/contracts/ClusterContract.js';
import { KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { type Clock, systemClock } from '../../core/time/clock.js';
import type { DiscordApi } from '../discord/DiscordApi.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { SpareClusters } from '../fleet/SpareClusters.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import { editorOf, ProgressMessage } from './ProgressMessage.js';
import { type RestartProgress, RollingRestart } from './RollingRestart.js';
import { restartText } from './restartText.js';

/** What a restart needs of the pool. */
export interface RestartableClusters {
  readonly workerCount: number;
  get(clusterId: number): Pick<ClusterConnection, 'request'>;
  tryGet(clusterId: number): Pick<ClusterConnection, 'request'> | undefined;
  spawn(clusterId: number): Promise<Pick<ClusterConnection, 'arrivals'>>;
}

export interface FleetRestartOptions {
  readonly clusters: RestartableClusters;
  readonly queue: Pick<IdentifyQueue, 'ensureRestartAffordable'>;
  readonly spares: Pick<SpareClusters, 'renew' | 'beginStep' | 'endRoll'>;
  readonly api: Pick<DiscordApi, 'editInteractionAnswer' | 'editMessage'>;
  readonly logger: Logger;
  /** Called for each cluster that was replaced. Must not throw. */
  readonly onReplaced: (clusterId: number) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Restarts clusters of this bot one after the other, and shows the progress to whoever asked. It emits `progress` with every
 * change, the end included.
 */
export class FleetRestart extends EventEmitter<{ progress: [status: RestartStatus] }> {
  readonly #options: FleetRestartOptions;
  readonly #clock: Clock;
  readonly #rolling: RollingRestart;
  readonly #stopped = new AbortController();
  #done: Promise<unknown> = Promise.resolve();
  #current: RestartStatus | undefined;
  /** How shards came up in the restart that is under way, by cluster id. */
  readonly #arrivals = new Map<number, readonly ShardArrival[]>();

  public constructor(options: FleetRestartOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#rolling = new RollingRestart({
      replace: (clusterId) => this.#replace(clusterId),
      healthy: (clusterId) => this.#checkHealth(clusterId),
      logger: options.logger,
      clock: this.#clock,
    });
  }

  /** The restart that is under way, or the last one. Undefined before the first. */
  public get current(): RestartStatus | undefined {
    if (this.#current?.outcome !== 'rolling') return this.#current;
    return { ...this.#current, durationMs: Math.max(0, this.#clock.wallNow() - this.#current.startedAt) };
  }

  /**
   * Begins a restart, and returns at once with the clusters that will be replaced.
   *
   * @throws RangeError for a cluster that does not exist, KallistiError RESTART_IN_PROGRESS while another restart rolls.
   */
  public begin({ clusterIds, progress, requestedBy }: RestartRequest): {
    id: string;
    clusterIds: readonly number[];
  } {
    const { clusters, spares, api, logger } = this.#options;
    const all = Array.from({ length: clusters.workerCount }, (_, id) => id);
    const chosen = clusterIds ?? all;
    const unknown = chosen.find((id) => !all.includes(id));
    if (unknown !== undefined) {
      throw new RangeError(`cluster ${unknown} does not exist: ids run from 0 to ${clusters.workerCount - 1}`);
    }
    const message =
      progress === undefined
        ? undefined
        : new ProgressMessage({ edit: editorOf(api, progress), logger, clock: this.#clock });
    if (!this.#rolling.isRolling) {
      this.#arrivals.clear();
      spares.renew(new Set(chosen).size);
    }
    const facts = { id: randomUUID(), startedAt: this.#clock.wallNow(), requestedBy };
    const { done } = this.#rolling.start({
      clusterIds: chosen,
      signal: this.#stopped.signal,
      onProgress: (state) => {
        this.#current = { ...facts, ...statusOf(state, this.#arrivals) };
        message?.update(restartText(state));
        this.emit('progress', this.#current);
      },
    });
    logger.info({ clusters: chosen, by: requestedBy }, 'rolling restart begins');
    this.#done = done.then(async (end) => {
      spares.endRoll();
      logger.info({ durationMs: Math.round(end.durationMs), clusters: end.clusters }, `rolling restart ${endOf(end)}`);
      await message?.finish(restartText(end));
    });
    return { id: facts.id, clusterIds: chosen };
  }

  /** Begins with no further cluster. The pool stops the one that is being replaced now. */
  public stop(): void {
    this.#stopped.abort(new KallistiError('REQUEST_ABORTED', 'the master stops'));
  }

  /** Resolves when the last restart has ended and its last message has been sent. */
  public async settled(): Promise<void> {
    await this.#done;
  }

  async #replace(clusterId: number): Promise<{ details: string }> {
    const { clusters, spares, queue } = this.#options;
    const current = await clusters.tryGet(clusterId)?.request('getStats', undefined);
    // A shard that can be resumed costs nothing. One that cannot must not take what is kept for a crash.
    const identifies = current === undefined ? 0 : current.shards.length - current.resumable;
    if (identifies > 0) queue.ensureRestartAffordable(identifies);
    // The master may have been told to stop meanwhile. Its clusters are gone then, and nobody would stop a new one.
    this.#stopped.signal.throwIfAborted();
    const spawning = clusters.spawn(clusterId);
    // After that: what this step needs comes first.
    spares.beginStep();
    const { arrivals } = await spawning;
    this.#arrivals.set(clusterId, arrivals);
    this.#options.onReplaced(clusterId);
    return { details: arrivalText(arrivals) };
  }

  async #checkHealth(clusterId: number): Promise<void> {
    const { shards } = await this.#options.clusters.get(clusterId).request('getStats', undefined);
    // Discord would refuse a `failed` shard in any process: no reason to end the restart.
    const sick = shards.filter(({ state }) => state !== 'ready' && state !== 'failed');
    if (sick.length === 0) return;
    const list = sick.map(({ shardId, state }) => `shard ${shardId} is ${state}`).join(', ');
    throw new KallistiError('SHARDS_LOST', `cluster ${clusterId} lost shards again right after its start: ${list}`);
  }
}

function statusOf(
  { outcome, durationMs, clusters }: RestartProgress,
  arrivals: ReadonlyMap<number, readonly ShardArrival[]>,
): Pick<RestartStatus, 'outcome' | 'durationMs' | 'clusters'> {
  return {
    outcome,
    durationMs: Math.round(durationMs),
    clusters: clusters.map((cluster) => ({
      clusterId: cluster.clusterId,
      state: cluster.state,
      durationMs: 'durationMs' in cluster ? Math.round(cluster.durationMs) : null,
      reason: 'reason' in cluster ? cluster.reason : null,
      arrivals: arrivals.get(cluster.clusterId) ?? [],
    })),
  };
}

function endOf({ outcome, clusters }: RestartProgress): string {
  const failed = clusters.find((cluster) => cluster.state === 'failed');
  return failed?.state === 'failed' ? `${outcome}: cluster ${failed.clusterId}: ${failed.reason}` : outcome;
}
