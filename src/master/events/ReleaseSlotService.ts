import type { ClusterConnection } from '../ClusterConnection.js';
import type { ClusterPool } from '../ClusterPool.js';
import type { IdentifyQueue } from '../IdentifyQueue.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Takes an identify slot back. */
export class ReleaseSlotService extends ClusterEventService<'releaseSlot'> {
  public constructor(
    clusters: ClusterPool,
    private readonly queue: IdentifyQueue,
  ) {
    super(clusters, 'releaseSlot');
  }

  protected override execute(
    cluster: ClusterConnection,
    { leaseId, used }: { leaseId: string; used: boolean },
  ): undefined {
    if (!used) cluster.slots--;
    this.queue.release(leaseId, used);
  }
}
