import type { Client } from 'eris';
import type { Summaries } from '../ClientAdapter.js';

type LookUps = { readonly [Kind in keyof Summaries]: (client: Client, id: string) => Summaries[Kind] | null };

/** What eris has cached under an id. */
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
    // eris throws on an empty id.
    const channel = channelId === '' ? undefined : client.getChannel(channelId);
    if (channel === undefined || !('guild' in channel) || !('name' in channel)) return null;
    return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guild.id };
  },
};
