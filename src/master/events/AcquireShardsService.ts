import type { ReleasedShards } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { Handover } from '../restart/Handover.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Hands a prepared cluster its shards, from its predecessor where there is one. */
export class AcquireShardsService extends ClusterEventService<'acquireShards'> {
  public constructor(
    clusters: ClusterPool,
    private readonly handover: Handover,
  ) {
    super(clusters, 'acquireShards');
  }

  protected override execute(cluster: ClusterConnection): Promise<ReleasedShards | null> {
    return this.handover.acquireShards(cluster);
  }
}
