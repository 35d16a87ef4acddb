import type { EventEmitter } from 'node:events';
import type { Logger } from '../../core/log/logger.js';
import { BaseService } from '../../core/services/BaseService.js';
import type { Clock } from '../../core/time/clock.js';
import type { WorkerPoolEvents } from '../../core/worker/WorkerPool.js';
import type { ClusterConnection } from './ClusterConnection.js';
import { failedShards } from './StatusReporter.js';

type ReadyCluster = Pick<ClusterConnection, 'id' | 'pid' | 'shards'>;

/** What the log needs of the pool. */
interface ReadyClusters extends Iterable<unknown>, Pick<EventEmitter<WorkerPoolEvents<ReadyCluster>>, 'on' | 'off'> {
  readonly workerCount: number;
  readonly shardCount: number;
  readonly alive: readonly ReadyCluster[];
}

export interface ReadinessLogOptions {
  readonly clusters: ReadyClusters;
  readonly logger: Logger;
  readonly clock: Pick<Clock, 'now'>;
  /** When the master's start began, on the clock's `now()`. */
  readonly startedAt: number;
}

/** Logs each time that a cluster gets ready, and once that all are. */
export class ReadinessLog extends BaseService {
  readonly #options: ReadinessLogOptions;
  #isComplete = false;

  public constructor(options: ReadinessLogOptions) {
    super();
    this.#options = options;
  }

  public start(): void {
    this.#options.clusters.on('spawnedworker', this.#onReady);
  }

  public stop(): void {
    this.#options.clusters.off('spawnedworker', this.#onReady);
  }

  readonly #onReady = ({ id, pid }: ReadyCluster): void => {
    const { clusters, logger, clock, startedAt } = this.#options;
    logger.info({ cluster: id, workerPid: pid }, `cluster ${id} is ready`);
    if (this.#isComplete || [...clusters].length < clusters.workerCount) return;
    this.#isComplete = true;
    const { shardCount } = clusters;
    const failed = failedShards(clusters);
    const ready = failed.length === 0 ? `all ${shardCount}` : `${shardCount - failed.length} of ${shardCount}`;
    const but = failed.length === 0 ? '' : `; failed: ${failed.join(', ')}`;
    const afterMs = Math.round(clock.now() - startedAt);
    logger.info({ shards: shardCount, afterMs }, `ready: ${ready} shards${but}`);
  };
}
