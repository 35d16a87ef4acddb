import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { Supervisor } from '../supervision/Supervisor.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Hears that a shard is deaf, and that a reconnect has not helped. */
export class ShardDeafService extends ClusterEventService<'shardDeaf'> {
  public constructor(
    clusters: ClusterPool,
    private readonly supervisor: Pick<Supervisor, 'reportDeaf'>,
  ) {
    super(clusters, 'shardDeaf');
  }

  protected override execute(cluster: ClusterConnection, { reason }: { reason: string }): undefined {
    this.supervisor.reportDeaf(cluster, reason);
  }
}
