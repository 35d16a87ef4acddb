import type { RestartRequest } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { FleetRestart } from '../restart/FleetRestart.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Begins a rolling restart; who asked hears at once whether it has begun, and the rest through its progress message. */
export class RestartService extends ClusterEventService<'restart'> {
  public constructor(
    clusters: ClusterPool,
    private readonly restart: FleetRestart,
  ) {
    super(clusters, 'restart');
  }

  protected override execute(_cluster: ClusterConnection, request: RestartRequest): { clusterIds: readonly number[] } {
    return this.restart.begin(request);
  }
}
