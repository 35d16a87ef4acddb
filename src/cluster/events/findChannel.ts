import type { ChannelSummary } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';

/** Serves `findChannel`: the channel or thread if it is in a guild of this cluster. */
export const findChannel =
  ({ clusterId, client }: Pick<ClusterContext, 'clusterId' | 'client'>) =>
  ({ channelId }: { channelId: string }): ChannelSummary | null => {
    // eris throws on an empty id.
    const channel = channelId === '' ? undefined : client.getChannel(channelId);
    if (channel === undefined || !('guild' in channel) || !('name' in channel)) return null;
    return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guild.id, clusterId };
  };
