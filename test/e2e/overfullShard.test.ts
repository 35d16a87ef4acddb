import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminStatus } from '../../src/core/contracts/AdminApi.js';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectServed, guildOn } from './users.js';

const SHARDS = 4;
const OVERFULL = 1;
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  discord = new Simulator({ guildCount: 32, shardCount: SHARDS, identifyIntervalMs: 100, maxConcurrency: 4 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms' });
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

function refuse(): void {
  discord.faults.closeOnIdentify(4011, { shardId: OVERFULL, times: 1_000 });
}

const attempts = (): number => discord.account.identifies.filter(({ shardId }) => shardId === OVERFULL).length;

async function adminStatus(): Promise<AdminStatus> {
  const { url, headers } = bot.adminApi();
  return (await (await fetch(`${url}/api/status`, { headers })).json()) as AdminStatus;
}

async function expectOthersServed(): Promise<void> {
  for (const shardId of [0, 2, 3]) await expectServed(discord, shardId);
}

describe('a shard that is in too many guilds (4011)', () => {
  it('fails alone while the bot runs: it is said, shown and not tried in a loop, and the others serve', async () => {
    bot.start();
    await bot.untilReady();
    const pids = [...bot.clusterPids().values()];
    refuse();
    discord.faults.invalidateSession(OVERFULL);
    const { level } = await bot.untilLogged(/shard 1 FAILED.*4011.*SHARD_COUNT/i);
    expect(level).toBe(50);
    await expectOthersServed();
    const { content } = await discord.runCommand({ name: 'shards', guildId: guildOn(discord, 0) }).answered;
    expect(content).toMatch(/shard +1 +failed/);
    const { clusters, totals } = await adminStatus();
    const failed = clusters.flatMap(({ shards }) => shards.filter(({ state }) => state === 'failed'));
    expect(failed.map(({ shardId }) => shardId)).toEqual([OVERFULL]);
    expect(totals).toMatchObject({ clustersReady: 2, shardsReady: 3 });
    const before = attempts();
    await sleep(3_000);
    expect(attempts()).toBe(before);
    expect(before).toBe(2);
    expect(pids.every(isAlive)).toBe(true);
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0 });
  });

  it('does not keep its cluster from starting, nor a rolling restart from going through', async () => {
    refuse();
    bot.start();
    await bot.untilLogged(/^ready: 3 of 4 shards; failed: 1/);
    expect(attempts()).toBe(1);
    await expectOthersServed();
    await discord.runCommand({ name: 'restart', guildId: guildOn(discord, 2), userId: discord.ownerId }).answered;
    await bot.untilLogged(/^rolling restart done/);
    await expectOthersServed();
    // One for each life of its cluster.
    expect(attempts()).toBe(2);
    expect(discord.account.summary()).toMatchObject({ identifies: 3, overlaps: 0, violations: 0 });
  });
});

it('serves on beside a shard that really is in more than 2500 guilds', async () => {
  await discord.stop();
  const tiny = { channels: 1, roles: 1, members: 1, threads: 0, emojis: 0, presences: 0 };
  discord = new Simulator({
    guildCount: 5_001,
    shardCount: 2,
    maxConcurrency: 2,
    identifyIntervalMs: 100,
    guildShape: tiny,
  });
  await discord.start();
  const sizes = [0, 1].map((shardId) => discord.guildIdsOfShard(shardId, 2).length);
  expect(sizes.toSorted((a, b) => a - b)).toEqual([2_500, 2_501]);
  const full = sizes.indexOf(2_501);
  await bot.dispose();
  bot = Bot.for(discord, { CLUSTER_COUNT: '1', IDENTIFY_INTERVAL: '100ms' }).start();
  await bot.untilLogged(new RegExp(`^ready: 1 of 2 shards; failed: ${full}`));
  const guildId = discord.guildIdsOfShard(1 - full, 2)[0] ?? '';
  expect((await discord.runCommand({ name: 'ping', guildId }).answered).content).toMatch(/pong/);
  expect(discord.account.violations.map(({ kind }) => kind)).toEqual(['shardingRequired']);
});
