import { expect, it } from 'vitest';
import { shardIdOf } from '../../../src/core/discord/shardIdOf.js';
import { shardIdOf as shardIdInDiscord } from '../../../src/simulator/world/snowflakes.js';

it('gives a guild the shard that Discord serves it on', () => {
  // 175928847299117063 >> 22 is 41944705796.
  expect([1, 16, 1024].map((shardCount) => shardIdOf('175928847299117063', shardCount))).toEqual([0, 4, 772]);
  // The local Discord has the formula for itself.
  for (let guild = 1n; guild < 64n; guild++) {
    const guildId = String((guild << 22n) + guild);
    expect(shardIdOf(guildId, 16)).toBe(shardIdInDiscord(guildId, 16));
  }
});

it('gives direct messages to shard 0', () => {
  expect(shardIdOf(undefined, 16)).toBe(0);
});
