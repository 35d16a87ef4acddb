import type { ClusterContract, ShardArrival, ShardStatus } from '../../core/contracts/ClusterContract.js';
import type { Logger } from '../../core/log/logger.js';
import { WorkerConnection, type WorkerConnectionOptions } from '../../core/worker/WorkerConnection.js';

export interface ClusterConnectionOptions extends WorkerConnectionOptions {
  /** The cluster's program, see `findEntrypoint`. Default `cluster`. */
  readonly entrypoint?: string | URL | undefined;
  readonly shardIds: readonly number[];
  /** Whether one of the cluster's shards waits in the identify queue; see `WorkerConnection.isWaiting`. */
  readonly isQueued: (cluster: ClusterConnection) => boolean;
}

/** The master's side of one life of a cluster. */
export class ClusterConnection extends WorkerConnection<ClusterContract> {
  public readonly shardIds: readonly number[];
  /** The last status of each shard, by shard id. */
  public readonly shards = new Map<number, ShardStatus>();
  /** How its shards came up. Empty until they have. */
  public arrivals: readonly ShardArrival[] = [];
  /** Slots of the identify queue that this life was granted and has not given back unused. */
  public slots = 0;
  readonly #isQueued: (cluster: ClusterConnection) => boolean;

  public constructor(id: number, logger: Logger, options: ClusterConnectionOptions) {
    super(id, options.entrypoint ?? 'cluster', logger, options);
    this.shardIds = options.shardIds;
    this.#isQueued = options.isQueued;
    this.on('shardStateChanged', (_cluster, status) => void this.shards.set(status.shardId, status));
    this.on('shardsArrived', (_cluster, arrivals) => {
      this.arrivals = arrivals;
    });
  }

  /** This life of this cluster, as the identify queue knows it. */
  public get holder(): string {
    return `cluster ${this.id} generation ${this.generation}`;
  }

  /**
   * Whether all shards of this life came up by RESUME, and none has identified since. False for a life that an earlier master
   * spawned: nobody knows.
   */
  public get onlyResumed(): boolean {
    return this.slots === 0 && this.arrivals.length > 0 && this.arrivals.every(({ by }) => by === 'resumed');
  }

  /** A cluster whose shards wait for a slot is not slow: the wait has no limit. */
  protected override isWaiting(): boolean {
    return this.#isQueued(this);
  }
}
