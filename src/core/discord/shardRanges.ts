import { ConfigError } from '../errors.js';
import { shardIdOf } from './shardIdOf.js';

/**
 * Deals the shards out to the clusters. Neighbours stay together. If the division has a remainder, each of the first clusters gets
 * one shard more.
 *
 * @returns the shard ids of each cluster, by cluster id.
 * @throws ConfigError if there are more clusters than shards.
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

/** Whether Discord could have made this id: it makes decimal numbers of up to 64 bits, as strings. */
export function isSnowflake(id: unknown): id is string {
  return typeof id === 'string' && SNOWFLAKE.test(id) && BigInt(id) <= MAX_SNOWFLAKE;
}

/**
 * The shard that gets the events of a guild whose id came from a user.
 *
 * @throws TypeError if Discord cannot have made `guildId`.
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
 * How many clusters `CLUSTER_COUNT=auto` means: at least 1, and never more than there are shards.
 *
 * A cluster gets 4 shards, so that a crash or a restart touches few guilds. There are at most two clusters for each core, because
 * more processes only cost memory (about 60 MB each). A cluster then gets more shards, but never more than 16: one event loop and
 * one heap must carry them. This bound comes before the one of the cores.
 *
 * | shards | 1 core | 2 cores | 8 cores |
 * |---|---|---|---|
 * | 1 | 1 | 1 | 1 |
 * | 8 | 2 | 2 | 2 |
 * | 16 | 2 | 4 | 4 |
 * | 64 | 4 | 4 | 16 |
 * | 256 | 16 | 16 | 16 |
 *
 * @param parallelism How many cores this process may use: `os.availableParallelism()`.
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
