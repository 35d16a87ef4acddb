import type { ChannelSummary } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';
import { firstFound } from './firstFound.js';

/** Finds a channel on whatever cluster has it. */
export class FindChannelService extends ClusterEventService<'findChannel'> {
  public constructor(private readonly clusters: ClusterPool) {
    super(clusters, 'findChannel');
  }

  protected override async execute(
    _cluster: ClusterConnection,
    data: { channelId: string },
  ): Promise<ChannelSummary | null> {
    return firstFound(await this.clusters.requestAll('findChannel', data), this.clusters.workerCount);
  }
}
