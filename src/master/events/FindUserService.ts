import type { UserSummary } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';
import { firstFound } from './firstFound.js';

/** Finds a user on whatever cluster knows it. */
export class FindUserService extends ClusterEventService<'findUser'> {
  public constructor(private readonly clusters: ClusterPool) {
    super(clusters, 'findUser');
  }

  protected override async execute(_cluster: ClusterConnection, data: { userId: string }): Promise<UserSummary | null> {
    return firstFound(await this.clusters.requestAll('findUser', data), this.clusters.workerCount);
  }
}
