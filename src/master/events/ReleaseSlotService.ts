import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
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
    _cluster: ClusterConnection,
    { leaseId, used }: { leaseId: string; used: boolean },
  ): undefined {
    this.queue.release(leaseId, used);
  }
}
