/** @returns the shard that gets a guild's events (discord.com/developers/docs/events/gateway#sharding); direct messages go to shard 0. */
export function shardIdOf(guildId: string | undefined, shardCount: number): number {
  return guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
