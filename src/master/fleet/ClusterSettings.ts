import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { clusterCountFor } from '../../core/discord/shardRanges.js';
import { ConfigError } from '../../core/errors.js';

/** What a master tells all of its clusters alike. */
export interface ClusterSettings {
  readonly apiUrl: string;
  readonly token: string;
  readonly dataDir: string;
  readonly shardCount: number;
  readonly clusterCount: number;
}

/** What decides the two counts. */
export interface ClusterCounts {
  /** SHARD_COUNT. */
  readonly shardCount: number | 'auto';
  /** CLUSTER_COUNT. */
  readonly clusterCount: number | 'auto';
  /** The clusters that an earlier master has left running. */
  readonly left: { readonly shardCount: number | undefined; fits(settings: ClusterSettings): boolean };
  /** The count that the bot's stores have; undefined where there are none. */
  readonly laidOut: number | undefined;
  /** What Discord recommends. */
  readonly recommended: number;
}

/**
 * Decides how many shards and clusters the bot has. With `SHARD_COUNT=auto` it keeps the number of its running clusters, or of
 * its stores, whatever Discord recommends today.
 *
 * @throws ConfigError where there are more clusters than shards.
 */
export function chooseClusterSettings(
  { apiUrl, token, dataDir }: Pick<ClusterSettings, 'apiUrl' | 'token' | 'dataDir'>,
  { shardCount, clusterCount, left, laidOut, recommended }: ClusterCounts,
): ClusterSettings {
  const withShards = (count: number): ClusterSettings => ({
    ...{ apiUrl, token, dataDir, shardCount: count },
    clusterCount: clusterCount === 'auto' ? clusterCountFor(count, availableParallelism()) : clusterCount,
  });
  if (shardCount === 'auto' && left.shardCount !== undefined) {
    const running = withShards(left.shardCount);
    if (left.fits(running)) return running;
  }
  const settings = withShards(shardCount === 'auto' ? (laidOut ?? recommended) : shardCount);
  if (settings.clusterCount <= settings.shardCount) return settings;
  throw new ConfigError(
    `CLUSTER_COUNT=${settings.clusterCount} is more than the bot's ${settings.shardCount} shards; allowed: at most SHARD_COUNT`,
  );
}

/** @returns a digest that is equal for equal settings. */
export function digestOf({ apiUrl, token, dataDir, shardCount, clusterCount }: ClusterSettings): string {
  // In this order: clusters of earlier versions would not fit otherwise.
  const text = JSON.stringify({ apiUrl, token, dataDir, shardCount, clusterCount });
  return createHash('sha256').update(text).digest('hex');
}
