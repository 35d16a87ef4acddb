/**
 * The shard that gets a guild's events (discord.com/developers/docs/events/gateway#sharding). Shard 0 gets direct messages, which
 * have no guild.
 *
 * @param guildId An id that came from Discord. An id that came from a user goes through `shardIdOfGuild`, which checks it.
 */
export function shardIdOf(guildId: string | undefined, shardCount: number): number {
  return guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
