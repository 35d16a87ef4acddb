import type { ErisLikeClient } from './erisLikeInternals.js';

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
