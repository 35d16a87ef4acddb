import type { GuildSummary } from '../../core/contracts/ClusterContract.js';
import { shardIdOf } from '../../core/discord/shardIdOf.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';

/** Serves `findGuild`: the guild if one of this cluster's shards has it. */
export const findGuild =
  (client: Pick<ClientAdapter, 'lookUp'>, clusterId: number, shardCount: number) =>
  ({ guildId }: { guildId: string }): GuildSummary | null => {
    const guild = client.lookUp('guild', guildId);
    return guild === null ? null : { ...guild, shardId: shardIdOf(guild.id, shardCount), clusterId };
  };
