import type { GuildSummary } from '../../core/contracts/ClusterContract.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Finds a guild: its id says which shard has it, so one cluster is asked and no other. */
export class FindGuildService extends ClusterEventService<'findGuild'> {
  public constructor(private readonly clusters: ClusterPool) {
    super(clusters, 'findGuild');
  }

  protected override execute(
    _cluster: ClusterConnection,
    { guildId }: { guildId: string },
  ): Promise<GuildSummary | null> {
    return this.clusters.getForGuild(guildId).request('findGuild', { guildId });
  }
}
