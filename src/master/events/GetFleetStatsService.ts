import type { FleetStats } from '../../core/contracts/ClusterContract.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { FleetStatsCollector } from '../fleet/FleetStatsCollector.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Tells how the whole bot is. */
export class GetFleetStatsService extends ClusterEventService<'getFleetStats'> {
  public constructor(
    clusters: ClusterPool,
    private readonly stats: FleetStatsCollector,
  ) {
    super(clusters, 'getFleetStats');
  }

  protected override execute(): Promise<FleetStats> {
    return this.stats.collect();
  }
}
