import type { EventEmitter } from 'node:events';
import type { ReleasedShards } from '../../core/contracts/ClusterContract.js';
import { KallistiError, RemoteError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { BaseService } from '../../core/services/BaseService.js';
import type { WorkerPoolEvents } from '../../core/worker/WorkerPool.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';

/** What a handover needs of one life of a cluster. */
export type HandoverCluster = Pick<ClusterConnection, 'id' | 'description' | 'state' | 'request' | 'terminate'>;

/** What a handover needs of the pool. */
export interface HandoverClusters extends Pick<EventEmitter<WorkerPoolEvents<HandoverCluster>>, 'on' | 'off'> {
  tryGet(clusterId: number): HandoverCluster | undefined;
}

export interface HandoverOptions {
  readonly clusters: HandoverClusters;
  readonly logger: Logger;
}

/**
 * How long a cluster may take to say that it has released its shards, or has taken them back, in milliseconds. Then it is
 * killed.
 */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Moves the shards of a cluster from its old process to its new one. At no time do two processes own a shard: the new one gets
 * them when the old one has said that it released them, or is seen dead.
 *
 * Failure policy:
 * - An old process that says that it cannot release them keeps them, and the new one fails. Its bot's state could not be saved,
 *   for example.
 * - An old process that does not answer is killed, and the new one goes on.
 * - A new process that dies after it got the shards leaves them to the old one, which takes them back.
 * - An old process that does not take them back is killed too. To the supervisor that is a crash like any other.
 */
export class Handover extends BaseService {
  readonly #options: HandoverOptions;
  /** By new process: the old one, which releases its shards or has released them. */
  readonly #released = new Map<HandoverCluster, HandoverCluster>();

  public constructor(options: HandoverOptions) {
    super();
    this.#options = options;
  }

  public start(): void {
    this.#options.clusters.on('spawnedworker', this.#onReady);
    this.#options.clusters.on('killedworker', this.#onEnded);
  }

  public stop(): void {
    this.#options.clusters.off('spawnedworker', this.#onReady);
    this.#options.clusters.off('killedworker', this.#onEnded);
    this.#released.clear();
  }

  /**
   * Has the predecessor of `successor` release its shards. From the return on they are the successor's.
   *
   * @returns what the predecessor said. Null where there is none, or it was killed.
   * @throws KallistiError HANDOVER_FAILED where the predecessor keeps them.
   */
  public async acquireShards(successor: HandoverCluster): Promise<ReleasedShards | null> {
    const { clusters, logger } = this.#options;
    const predecessor = clusters.tryGet(successor.id);
    if (predecessor === undefined || predecessor === successor) return null;
    this.#released.set(successor, predecessor);
    try {
      return await predecessor.request('releaseShards', undefined, { timeoutMs: ANSWER_TIMEOUT_MS });
    } catch (error) {
      this.#released.delete(successor);
      if (error instanceof RemoteError) {
        // It may have released them and only failed to send its answer.
        await this.#giveBack(predecessor);
        const message = `${predecessor.description} keeps its shards: ${error.message}`;
        throw new KallistiError('HANDOVER_FAILED', message, { cause: error });
      }
      logger.warn({ err: error, cluster: predecessor.id }, 'a cluster did not release its shards, killing it');
      await predecessor.terminate();
      return null;
    }
  }

  readonly #onReady = (successor: HandoverCluster): void => {
    this.#released.delete(successor);
  };

  readonly #onEnded = (successor: HandoverCluster): void => {
    const predecessor = this.#released.get(successor);
    this.#released.delete(successor);
    // One that is being stopped needs its shards no more. Its sessions stay resumable for whoever comes next.
    if (predecessor?.state !== 'ready') return;
    void this.#giveBack(predecessor);
  };

  async #giveBack(predecessor: HandoverCluster): Promise<void> {
    const { logger } = this.#options;
    try {
      await predecessor.request('adoptShards', undefined, { timeoutMs: ANSWER_TIMEOUT_MS });
      logger.warn({ cluster: predecessor.id }, 'the replacement of a cluster failed, the old one has its shards back');
    } catch (error) {
      logger.error({ err: error, cluster: predecessor.id }, 'a cluster could not take its shards back, killing it');
      await predecessor.terminate();
    }
  }
}
