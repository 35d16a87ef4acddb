import type { Logger } from '../../core/log/logger.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Changes how much every process logs. */
export class SetLogLevelService extends ClusterEventService<'setLogLevel'> {
  public constructor(
    private readonly clusters: ClusterPool,
    private readonly logger: Logger,
  ) {
    super(clusters, 'setLogLevel');
  }

  protected override async execute(_cluster: ClusterConnection, data: { level: string }): Promise<undefined> {
    this.logger.level = data.level;
    const replies = await this.clusters.requestAll('setLogLevel', data);
    for (const reply of replies) if (reply.status === 'rejected') throw reply.reason;
  }
}
