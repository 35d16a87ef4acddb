import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../ClusterConnection.js';
import type { ClusterPool } from '../ClusterPool.js';
import type { ProcessEnds } from '../ProcessEnds.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Tells a cluster how the process ended that had its shards before. */
export class GetProcessEndService extends ClusterEventService<'getProcessEnd'> {
  public constructor(
    clusters: ClusterPool,
    private readonly ends: Pick<ProcessEnds, 'find'>,
  ) {
    super(clusters, 'getProcessEnd');
  }

  protected override execute(_cluster: ClusterConnection, { pid }: { pid: number }): ProcessEnd | null {
    return this.ends.find(pid);
  }
}
