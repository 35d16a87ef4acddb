import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterCountFor, isSnowflake, shardIdOfGuild, shardRanges } from '../../../src/core/discord/shardRanges.js';

describe('shardRanges', () => {
  it('keeps neighbours together and gives the rest to the first clusters', () => {
    expect(shardRanges(8, 4)).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    expect(shardRanges(5, 3)).toEqual([[0, 1], [2, 3], [4]]);
    expect(shardRanges(1, 1)).toEqual([[0]]);
  });

  it('deals every shard to exactly one cluster, evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), (a, b) => {
        const [shardCount, clusterCount] = [Math.max(a, b), Math.min(a, b)];
        const ranges = shardRanges(shardCount, clusterCount);
        expect(ranges).toHaveLength(clusterCount);
        expect(ranges.flat()).toEqual(Array.from({ length: shardCount }, (_, i) => i));
        const sizes = ranges.map((range) => range.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses more clusters than shards, and what is no count, by the name of the setting', () => {
    expect(() => shardRanges(4, 8)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(/^CLUSTER_COUNT=8: .*1 to 4/) }),
    );
    expect(() => shardRanges(0, 1)).toThrow('SHARD_COUNT=0');
    expect(() => shardRanges(4, 1.5)).toThrow('CLUSTER_COUNT=1.5');
    expect(() => shardRanges(Number.NaN, 1)).toThrow('SHARD_COUNT=NaN');
  });
});

describe('shardIdOfGuild', () => {
  it('follows the formula of Discord, beyond the numbers that are exact in JavaScript', () => {
    expect(shardIdOfGuild('197038439483310086', 2)).toBe(0);
    expect(shardIdOfGuild('0', 16)).toBe(0);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 1, max: 4096 }), (id, shardCount) => {
        expect(shardIdOfGuild(String(id), shardCount)).toBe(Number((id / 4_194_304n) % BigInt(shardCount)));
      }),
    );
  });

  it('says what is wrong with an id that is none', () => {
    for (const id of ['', 'abc', '12.5', '-1', ' 1', '0x10', '1'.repeat(21), String(2n ** 64n)]) {
      expect(isSnowflake(id)).toBe(false);
      expect(() => shardIdOfGuild(id, 4)).toThrow(`${JSON.stringify(id)} is not the id of a guild`);
    }
    expect(() => shardIdOfGuild(12 as unknown as string, 4)).toThrow('a number is not the id of a guild');
    expect(() => shardIdOfGuild('1', 0)).toThrow('shardCount=0');
  });
});

describe('clusterCountFor', () => {
  it('keeps to its table', () => {
    const table = [1, 8, 16, 64, 256].map((shards) => [1, 2, 8].map((cores) => clusterCountFor(shards, cores)));
    expect(table).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [2, 4, 4],
      [4, 4, 16],
      [16, 16, 16],
    ]);
  });

  it('never names more clusters than shards, nor more than 16 shards for one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 256 }), (shardCount, parallelism) => {
        const clusterCount = clusterCountFor(shardCount, parallelism);
        expect(clusterCount).toBeGreaterThanOrEqual(1);
        expect(clusterCount).toBeLessThanOrEqual(shardCount);
        expect(shardRanges(shardCount, clusterCount)[0]?.length).toBeLessThanOrEqual(16);
      }),
    );
  });
});
