import type { Client } from 'discord.js';
import type { RawGuild, Summaries } from '../ClientAdapter.js';
import { clientInternalsOf } from './discordJsInternals.js';

interface ThreadMembers {
  readonly members?: { _add(data: object): unknown };
}

/** Puts a guild into the cache as its GUILD_CREATE would, without any event. One that is there already is replaced. */
export function cacheGuild(client: Client, shardId: number, data: RawGuild): void {
  uncacheGuild(client, data.id);
  clientInternalsOf(client).guilds._add({ ...data, shardId });
  // Ours: Discord's GUILD_CREATE has the bot itself only, and discord.js reads that from the thread.
  const threadMembers = (data.thread_members ?? []) as readonly { readonly id: string }[];
  for (const member of threadMembers) {
    (client.channels.cache.get(member.id) as ThreadMembers | undefined)?.members?._add(member);
  }
}

export function cacheUnavailableGuild(client: Client, shardId: number, guildId: string): void {
  uncacheGuild(client, guildId);
  clientInternalsOf(client).guilds._add({ id: guildId, unavailable: true, shardId });
}

export function uncacheGuild(client: Client, guildId: string): void {
  forgetChannels(client, guildId, new Set());
  client.guilds.cache.delete(guildId);
}

/**
 * Before a GUILD_CREATE for a guild that is cached: discord.js empties the guild's own list, but finds channels that were
 * deleted meanwhile in `client.channels` for ever.
 */
export function forgetDeletedChannels(client: Client, guild: RawGuild): void {
  if (!client.guilds.cache.has(guild.id)) return;
  const { channels, threads } = guild as { readonly channels?: unknown; readonly threads?: unknown };
  if (!Array.isArray(channels)) return;
  const listed = [...channels, ...(Array.isArray(threads) ? threads : [])] as readonly { readonly id: string }[];
  forgetChannels(client, guild.id, new Set(listed.map(({ id }) => id)));
}

function forgetChannels(client: Client, guildId: string, kept: ReadonlySet<string>): void {
  const ids = [...(client.guilds.cache.get(guildId)?.channels.cache.keys() ?? [])];
  for (const id of ids) if (!kept.has(id)) clientInternalsOf(client).channels._remove(id);
}

export function countGuilds(client: Client): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { available, shardId } of client.guilds.cache.values()) {
    if (available) counts.set(shardId, (counts.get(shardId) ?? 0) + 1);
  }
  return counts;
}

type LookUps = { readonly [Kind in keyof Summaries]: (client: Client, id: string) => Summaries[Kind] | null };

/** What discord.js has cached under an id. */
export const lookUp: LookUps = {
  guild: ({ guilds }, guildId) => {
    const guild = guilds.cache.get(guildId);
    if (guild?.available !== true) return null;
    const { id, name, memberCount, ownerId } = guild;
    let channelCount = 0;
    for (const channel of guild.channels.cache.values()) if (!channel.isThread()) channelCount++;
    return { id, name, memberCount, channelCount, ownerId };
  },
  user: ({ users }, userId) => {
    const user = users.cache.get(userId);
    // One that only an id is known of is no find.
    return user === undefined || user.partial ? null : { id: user.id, username: user.username, bot: user.bot };
  },
  channel: ({ channels }, channelId) => {
    const channel = channels.cache.get(channelId);
    if (channel === undefined || channel.isDMBased()) return null;
    return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guildId };
  },
};
