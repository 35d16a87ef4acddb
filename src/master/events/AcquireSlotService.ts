import type { ClusterConnection } from '../ClusterConnection.js';
import type { ClusterPool } from '../ClusterPool.js';
import type { IdentifyPurpose } from '../IdentifyBudget.js';
import type { IdentifyQueue } from '../IdentifyQueue.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Lets a shard wait in the identify queue. */
export class AcquireSlotService extends ClusterEventService<'acquireSlot'> {
  public constructor(
    clusters: ClusterPool,
    private readonly queue: IdentifyQueue,
    private readonly purposeOf: (cluster: ClusterConnection) => IdentifyPurpose,
  ) {
    super(clusters, 'acquireSlot');
  }

  protected override async execute(
    cluster: ClusterConnection,
    { shardId }: { shardId: number },
    signal: AbortSignal,
  ): Promise<{ leaseId: string }> {
    const { holder } = cluster;
    const lease = await this.queue.acquire({ shardId, holder, purpose: this.purposeOf(cluster), signal });
    // Given up between the grant and this line: nobody is left to give it back.
    if (signal.aborted) lease.release(false);
    else cluster.slots++;
    return { leaseId: lease.id };
  }
}
