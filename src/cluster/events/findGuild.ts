import type { GuildSummary } from '../../core/contracts/ClusterContract.js';
import { shardIdOf } from '../../core/discord/shardIdOf.js';
import type { ClusterContext } from '../ClusterContext.js';

type Dependencies = Pick<ClusterContext, 'clusterId' | 'client' | 'shardCount'>;

/** Serves `findGuild`: the guild if one of this cluster's shards has it. */
export const findGuild =
  ({ clusterId, client, shardCount }: Dependencies) =>
  ({ guildId }: { guildId: string }): GuildSummary | null => {
    const guild = client.guilds.get(guildId);
    if (guild === undefined) return null;
    return {
      id: guild.id,
      name: guild.name,
      memberCount: guild.memberCount,
      channelCount: guild.channels.size,
      ownerId: guild.ownerID,
      shardId: shardIdOf(guild.id, shardCount),
      clusterId,
    };
  };
