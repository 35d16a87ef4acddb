/**
 * The shard that gets a guild's events (discord.com/developers/docs/events/gateway#sharding). Direct messages, which have no
 * guild, go to shard 0.
 *
 * @param guildId an id that Discord has given; who has it from a user checks it first.
 */
export function shardIdOf(guildId: string | undefined, shardCount: number): number {
  return guildId === undefined ? 0 : Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}
