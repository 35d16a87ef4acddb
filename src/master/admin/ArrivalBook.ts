import type { ShardOverview } from '../../core/contracts/AdminApi.js';
import type { ShardArrival } from '../../core/contracts/ClusterContract.js';
import { WorkerPoolEventService } from '../../core/services/WorkerPoolEventService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';

/** Remembers how each shard last came up. */
export class ArrivalBook extends WorkerPoolEventService<ClusterConnection, 'shardsArrived'> {
  readonly #arrivals = new Map<number, NonNullable<ShardOverview['lastArrival']>>();

  /** @param onArrival called with every arrival. It must not throw. */
  public constructor(
    clusters: ClusterPool,
    private readonly onArrival: (arrival: ShardArrival) => void,
  ) {
    super(clusters, 'shardsArrived');
  }

  public of(shardId: number): ShardOverview['lastArrival'] | undefined {
    return this.#arrivals.get(shardId);
  }

  protected override execute(_cluster: ClusterConnection, arrivals: readonly ShardArrival[]): undefined {
    for (const arrival of arrivals) {
      const { shardId, ...how } = arrival;
      this.#arrivals.set(shardId, { ...how, at: Date.now() });
      this.onArrival(arrival);
    }
  }
}
