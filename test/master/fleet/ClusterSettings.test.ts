import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/core/errors.js';
import {
  type ClusterCounts,
  type ClusterSettings,
  chooseClusterSettings,
} from '../../../src/master/fleet/ClusterSettings.js';

const BOT = { apiUrl: 'https://discord.com/api', token: 'token', dataDir: '/data' };

function choose(counts: Partial<ClusterCounts>): ClusterSettings {
  const left = { shardCount: undefined, fits: () => false };
  return chooseClusterSettings(BOT, {
    ...{ shardCount: 'auto', clusterCount: 2, left, laidOut: undefined, recommended: 16 },
    ...counts,
  });
}

const left = (shardCount: number | undefined, fits = true) => ({ shardCount, fits: () => fits });

describe('the number of shards', () => {
  it('is SHARD_COUNT where that is a number, whatever runs or is stored', () => {
    expect(choose({ shardCount: 6, left: left(4), laidOut: 8 })).toEqual({ ...BOT, shardCount: 6, clusterCount: 2 });
  });

  it.each<[string, Partial<ClusterCounts>, number]>([
    ['that of the clusters that run', { left: left(4), laidOut: 8 }, 4],
    ['that of the stores, where those that run do not fit', { left: left(4, false), laidOut: 8 }, 8],
    ['that of the stores, where those that run do not say theirs', { left: left(undefined), laidOut: 8 }, 8],
    ["Discord's, where nothing runs and nothing is stored", {}, 16],
  ])('is with SHARD_COUNT=auto %s', (_, counts, shardCount) => {
    expect(choose(counts).shardCount).toBe(shardCount);
  });
});

describe('the number of clusters', () => {
  it('is CLUSTER_COUNT where that is a number, up to one for each shard', () => {
    expect(choose({ shardCount: 4, clusterCount: 4 }).clusterCount).toBe(4);
    expect(() => choose({ shardCount: 4, clusterCount: 5 })).toThrow(ConfigError);
    expect(() => choose({ laidOut: 4, clusterCount: 5 })).toThrow(
      "CLUSTER_COUNT=5 is more than the bot's 4 shards; allowed: at most SHARD_COUNT",
    );
  });

  it('is with CLUSTER_COUNT=auto never more than that of the shards', () => {
    expect(choose({ shardCount: 1, clusterCount: 'auto' }).clusterCount).toBe(1);
  });
});
