import { randomBytes } from 'node:crypto';

/** Discord's epoch, the first millisecond of 2015 (discord.com/developers/docs/reference#snowflakes). */
export const DISCORD_EPOCH = 1_420_070_400_000;

/**
 * The ids of seeded guilds begin at this time and are one millisecond apart. So consecutive guilds are on consecutive shards,
 * and an id can be turned back into the guild's number without a table.
 */
const SEEDED_GUILDS_FROM = 1_600_000_000_000 - DISCORD_EPOCH;
const SEEDED_USERS_FROM = 1_500_000_000_000 - DISCORD_EPOCH;
const SEEDED_SPAN = 50_000_000;

/** The low 22 bits of a seeded id hold the kind (4 bits) and the number (18 bits) of a thing in a guild. */
export type SeededKind = 'guild' | 'channel' | 'role' | 'thread' | 'emoji';
const KINDS: readonly SeededKind[] = ['guild', 'channel', 'role', 'thread', 'emoji'];

function compose(time: number, low: number): string {
  return ((BigInt(time) << 22n) | BigInt(low)).toString();
}

/**
 * The last guild's id as two decimal halves. All ids of a guild differ from it only in their low 22 bits. Adding those to a
 * number is several times faster than shifting a BigInt for each of the dozens of ids in a guild.
 */
let guildHalves = { guildIndex: -1, high: '', low: 0 };
const HALF = 1_000_000_000;

function halvesOf(guildIndex: number): typeof guildHalves {
  if (guildHalves.guildIndex !== guildIndex) {
    const base = BigInt(SEEDED_GUILDS_FROM + guildIndex) << 22n;
    guildHalves = { guildIndex, high: (base / BigInt(HALF)).toString(), low: Number(base % BigInt(HALF)) };
  }
  return guildHalves;
}

/** The id of thing `index` of the seeded guild `guildIndex`. */
export function seededId(guildIndex: number, kind: SeededKind = 'guild', index = 0): string {
  const offset = (KINDS.indexOf(kind) << 18) | index;
  const { high, low } = halvesOf(guildIndex);
  if (low + offset >= HALF) return compose(SEEDED_GUILDS_FROM + guildIndex, offset);
  return high + String(low + offset).padStart(9, '0');
}

export function seededUserId(index: number): string {
  return compose(SEEDED_USERS_FROM + index, 1);
}

/** A user id that nobody can guess. Its time is between 2019 and 2023, after all seeded users. */
export function randomUserId(): string {
  return ((1n << 59n) | BigInt.asUintN(59, randomBytes(8).readBigUInt64BE())).toString();
}

/** @returns what a seeded id stands for; undefined if it is not one. */
export function parseSeededId(id: string): { guildIndex: number; kind: SeededKind; index: number } | undefined {
  if (!isSnowflake(id)) return undefined;
  const bits = BigInt(id);
  const guildIndex = Number(bits >> 22n) - SEEDED_GUILDS_FROM;
  const low = Number(bits & 0x3fffffn);
  const kind = KINDS[low >> 18];
  if (guildIndex < 0 || guildIndex >= SEEDED_SPAN || kind === undefined) return undefined;
  return { guildIndex, kind, index: low & 0x3ffff };
}

export function parseSeededUserId(id: string): number | undefined {
  if (!isSnowflake(id)) return undefined;
  const index = Number(BigInt(id) >> 22n) - SEEDED_USERS_FROM;
  return index >= 0 && index < SEEDED_SPAN ? index : undefined;
}

export function isSnowflake(value: unknown): value is string {
  return typeof value === 'string' && /^\d{15,20}$/.test(value);
}

/** discord.com/developers/docs/events/gateway#sharding */
export function shardIdOf(guildId: string, shardCount: number): number {
  return Number((BigInt(guildId) >> 22n) % BigInt(shardCount));
}

/** When the seeded guild, its threads and its memberships were made. */
export function seededTimestamp(guildIndex: number): string {
  return new Date(SEEDED_GUILDS_FROM + guildIndex + DISCORD_EPOCH).toISOString();
}

/** Makes new ids that are unique, increasing and of the present time, like Discord's. */
export class SnowflakeSource {
  #lastTime = 0;
  #increment = 0;

  next(): string {
    const time = Math.max(Date.now() - DISCORD_EPOCH, this.#lastTime);
    this.#increment = time === this.#lastTime ? this.#increment + 1 : 0;
    this.#lastTime = time;
    return compose(time + (this.#increment >> 12), this.#increment & 0xfff);
  }
}
