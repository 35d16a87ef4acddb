import type { Summaries } from '../ClientAdapter.js';
import type { ErisLikeClient } from './erisLikeInternals.js';

type LookUps = { readonly [Kind in keyof Summaries]: (client: ErisLikeClient, id: string) => Summaries[Kind] | null };

/** What the library has cached under an id. */
export const lookUp: LookUps = {
  guild: ({ guilds }, guildId) => {
    const guild = guilds.get(guildId);
    if (guild === undefined) return null;
    const { id, name, memberCount, ownerID: ownerId } = guild;
    return { id, name, memberCount, channelCount: guild.channels.size, ownerId };
  },
  user: ({ users }, userId) => {
    const user = users.get(userId);
    return user === undefined ? null : { id: user.id, username: user.username, bot: user.bot };
  },
  channel: (client, channelId) => {
    // An empty id is refused by an error.
    const channel = channelId === '' ? undefined : client.getChannel(channelId);
    if (channel?.guild === undefined || channel.name === undefined) return null;
    return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guild.id };
  },
};
