import { DiscordRefusedError } from '../../core/errors.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { Supervisor } from '../supervision/Supervisor.js';
import { ClusterEventService } from './ClusterEventService.js';

/** Hears that Discord refuses the bot while it runs. */
export class DiscordRefusedService extends ClusterEventService<'discordRefused'> {
  public constructor(
    clusters: ClusterPool,
    private readonly supervisor: Supervisor,
  ) {
    super(clusters, 'discordRefused');
  }

  protected override execute(_cluster: ClusterConnection, { message }: { message: string }): undefined {
    this.supervisor.refuse(new DiscordRefusedError(message));
  }
}
