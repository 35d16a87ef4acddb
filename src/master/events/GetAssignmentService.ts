import type { ClusterAssignment } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Tells a new cluster what it is to do. */
export class GetAssignmentService extends ClusterEventService<'getAssignment'> {
  public constructor(
    clusters: ClusterPool,
    private readonly assign: (cluster: ClusterConnection) => ClusterAssignment,
  ) {
    super(clusters, 'getAssignment');
  }

  protected override execute(cluster: ClusterConnection): ClusterAssignment {
    return this.assign(cluster);
  }
}
