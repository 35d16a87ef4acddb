import type { ErisLikeClient, ErisLikeGuild } from './erisLikeInternals.js';

/**
 * Above this many look-ups the users of a guild that was left stay in `client.users` (some 100 bytes each) rather than stall
 * the process.
 */
const MAX_LOOKUPS = 500_000;

/** How many guilds of each shard are in the cache. */
export function countGuilds(client: ErisLikeClient): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [guildId, shardId] of Object.entries(client.guildShardMap)) {
    if (client.guilds.has(guildId)) counts.set(shardId, (counts.get(shardId) ?? 0) + 1);
  }
  return counts;
}

/** Before the library drops a guild from its cache: it forgets the threads, and at READY the channels too. */
export function forgetChannels(client: ErisLikeClient, guildId: string): void {
  const guild = client.guilds.get(guildId);
  if (guild === undefined) return;
  for (const channelId of guild.channels.keys()) delete client.channelGuildMap[channelId];
  for (const threadId of guild.threads.keys()) delete client.threadGuildMap[threadId];
}

/** After the bot has left a guild: the library never drops a user. Those whom no other cached guild knows are dropped here. */
export function forgetUsers(client: ErisLikeClient, left: ErisLikeGuild): void {
  if (left.members.size * client.guilds.size > MAX_LOOKUPS) return;
  const unknown = new Set(left.members.keys());
  if (client.user !== undefined) unknown.delete(client.user.id);
  for (const guild of client.guilds.values()) {
    if (unknown.size === 0) return;
    for (const userId of unknown) if (guild.members.has(userId)) unknown.delete(userId);
  }
  for (const userId of unknown) client.users.delete(userId);
}
