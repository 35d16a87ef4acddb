import { ConfigError } from '../errors.js';
import { shardIdOf } from './shardIdOf.js';

/**
 * Deals the shards out: neighbours stay together, and no cluster holds more than one shard more than another (the first
 * ones hold the larger part).
 *
 * @returns per cluster id its shard ids.
 * @throws ConfigError when there are more clusters than shards.
 */
export function shardRanges(shardCount: number, clusterCount: number): readonly (readonly number[])[] {
  checkCount('SHARD_COUNT', shardCount);
  checkCount('CLUSTER_COUNT', clusterCount);
  if (clusterCount > shardCount) {
    throw new ConfigError(
      `CLUSTER_COUNT=${clusterCount}: every cluster needs a shard; allowed is 1 to ${shardCount}, the number of shards, or auto`,
    );
  }
  const least = Math.floor(shardCount / clusterCount);
  const oneMore = shardCount % clusterCount;
  return Array.from({ length: clusterCount }, (_, clusterId) => {
    const first = clusterId * least + Math.min(clusterId, oneMore);
    return Array.from({ length: least + (clusterId < oneMore ? 1 : 0) }, (_, i) => first + i);
  });
}

const SNOWFLAKE = /^\d{1,20}$/;
const MAX_SNOWFLAKE = 2n ** 64n - 1n;

/** Whether this can be an id of Discord's: a decimal number of up to 64 bits, as a string. */
export function isSnowflake(id: unknown): id is string {
  return typeof id === 'string' && SNOWFLAKE.test(id) && BigInt(id) <= MAX_SNOWFLAKE;
}

/**
 * The shard that gets a guild's events, of an id that a user has given.
 *
 * @throws TypeError when `guildId` is not an id of Discord's.
 */
export function shardIdOfGuild(guildId: string, shardCount: number): number {
  checkCount('shardCount', shardCount);
  if (!isSnowflake(guildId))
    throw new TypeError(`${describe(guildId)} is not the id of a guild: an id is a number of up to 20 digits`);
  return shardIdOf(guildId, shardCount);
}

const SHARDS_PER_CLUSTER = 4;
const MAX_SHARDS_PER_CLUSTER = 16;
const CLUSTERS_PER_CORE = 2;

/**
 * How many clusters `CLUSTER_COUNT=auto` means.
 *
 * One per 4 shards, so that a crash or a restart touches few guilds; but at most two per core, because more processes than
 * that only cost memory (about 60 MB each); but never more than 16 shards a cluster, because one event loop and one heap
 * must be able to carry them. At least 1, and never more than shards.
 *
 * | shards | 1 core | 2 cores | 8 cores |
 * |---|---|---|---|
 * | 1 | 1 | 1 | 1 |
 * | 8 | 2 | 2 | 2 |
 * | 16 | 2 | 4 | 4 |
 * | 64 | 4 | 4 | 16 |
 * | 256 | 16 | 16 | 16 |
 *
 * @param parallelism Cores this process may use: `os.availableParallelism()`.
 */
export function clusterCountFor(shardCount: number, parallelism: number): number {
  checkCount('SHARD_COUNT', shardCount);
  const wanted = Math.ceil(shardCount / SHARDS_PER_CLUSTER);
  const least = Math.ceil(shardCount / MAX_SHARDS_PER_CLUSTER);
  const most = Math.max(1, Math.floor(parallelism)) * CLUSTERS_PER_CORE;
  return Math.max(least, Math.min(wanted, most));
}

function checkCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ConfigError(`${name}=${value}: allowed is a whole number from 1`);
}

function describe(id: unknown): string {
  return typeof id === 'string' ? JSON.stringify(id.slice(0, 40)) : `a ${typeof id}`;
}
