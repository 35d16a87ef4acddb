import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectNothingLost } from './users.js';

/** More than a connection may ask for in a minute: 120 payloads, of which 5 are kept for heartbeats. */
const GUILDS = 125;
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  const guildShape = { channels: 1, roles: 1, members: 3, threads: 0, emojis: 0, presences: 0 };
  discord = new Simulator({ guildCount: GUILDS, shardCount: 1, guildShape, identifyIntervalMs: 200 });
  await discord.start();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

/** How many guilds lack members in the bot's cache. */
async function holes(): Promise<number> {
  // The bot has other things to do than to be asked.
  await setTimeout(200);
  const code = 'client.guilds.filter(({ members, memberCount }) => members.size < memberCount).length';
  const guildId = discord.guildIds[0] ?? '';
  const run = discord.runCommand({ name: 'eval', options: { code }, guildId, userId: discord.ownerId });
  return Number(/: (\d+)/.exec((await run.answered).content)?.[1]);
}

describe('a cluster that fetches the members of its guilds', () => {
  const SETTINGS = { CLUSTER_COUNT: '1', IDENTIFY_INTERVAL: '200ms', TEST_FETCH_MEMBERS: '1', SPAWN_TIMEOUT: '20s' };

  it('is ready meanwhile, and goes on with what a crash has interrupted', async () => {
    bot = Bot.misbehaving(discord, SETTINGS).start();
    // The fetch takes a minute, and three times as long as a cluster may take to be ready.
    await bot.untilReady();
    await until(async () => (await holes()) < 15);
    expect(await holes()).toBeGreaterThan(0);
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    await until(async () => (await holes()) === 0);
    expectNothingLost(discord);
    // Whom the crash kept from knowing that they were answered, was answered twice.
    const kinds = Object.keys(discord.account.summary().violationsByKind);
    expect(kinds.filter((kind) => kind !== 'doubleAcknowledgement')).toEqual([]);
  });
});
