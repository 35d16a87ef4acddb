import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';

let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  discord = new Simulator({ guildCount: 30, shardCount: 4, identifyIntervalMs: 100, maxConcurrency: 4 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms' }).start();
  await bot.untilReady();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

/** @returns where the log of the new life begins. */
async function restart(whileItIsDown: () => void = () => undefined): Promise<number> {
  bot.signal('SIGTERM');
  expect(await bot.ended()).toEqual({ code: 0, signal: null });
  whileItIsDown();
  const from = bot.lines.length;
  bot.start();
  await bot.untilLogged(/^ready: all/, from);
  return from;
}

function shardCounts(): Set<number | null> {
  return new Set(discord.account.identifies.map(({ shardCount }) => shardCount));
}

describe('SHARD_COUNT=auto', () => {
  it('keeps the number of shards when Discord recommends another between stop and start, and resumes all', async () => {
    const from = await restart(() => discord.faults.recommendShards(5));
    expect(discord.account.summary()).toMatchObject({ identifies: 4, resumes: 4, violations: 0 });
    const said = bot.lines.slice(from).filter(({ msg }) => /recommends 5 shards/.test(msg));
    expect(said).toHaveLength(1);
    expect(said[0]?.msg).toMatch(/keeps its 4.*SHARD_COUNT=5/);
  });

  it('keeps it without layout.json too, by what the stores say', async () => {
    await restart(() => {
      rmSync(join(bot.dataDir, 'layout.json'));
      discord.faults.recommendShards(3);
    });
    expect(discord.account.summary()).toMatchObject({ identifies: 4, resumes: 4 });
  });

  it('keeps the number of clusters that run, in a take-over, whatever layout.json says', async () => {
    bot.signal('SIGKILL');
    await bot.ended();
    writeFileSync(join(bot.dataDir, 'layout.json'), 'rubbish');
    discord.faults.recommendShards(6);
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^took over 2 running clusters/, from);
    await bot.untilLogged(/recommends 6 shards.*keeps its 4/, from);
    await until(() => readFileSync(join(bot.dataDir, 'layout.json'), 'utf8').includes('"shardCount":4'));
    expect(discord.account.summary()).toMatchObject({ identifies: 4, resumes: 0 });
  });

  it('follows Discord where layout.json is damaged, with a warning', async () => {
    const from = await restart(() => {
      writeFileSync(join(bot.dataDir, 'layout.json'), 'rubbish');
      discord.faults.recommendShards(5);
    });
    expect(shardCounts()).toEqual(new Set([4, 5]));
    const warnings = bot.lines.slice(from).filter(({ level, msg }) => level === 40 && msg.includes('layout.json'));
    expect(warnings).toHaveLength(1);
  });

  it('goes on with the number that SHARD_COUNT said before', async () => {
    bot.setEnvironment({ SHARD_COUNT: '6' });
    await restart();
    expect(shardCounts()).toEqual(new Set([4, 6]));
    bot.setEnvironment({ SHARD_COUNT: 'auto' });
    await restart();
    expect(discord.account.summary()).toMatchObject({ identifies: 10, resumes: 6 });
  });

  it('does not go on with a number that Discord never accepted', async () => {
    bot.setEnvironment({ SHARD_COUNT: '3' });
    discord.faults.closeOnIdentify(4010, { times: 100 });
    bot.signal('SIGTERM');
    await bot.ended();
    bot.start();
    expect(await bot.ended()).toEqual({ code: 1, signal: null });
    bot.setEnvironment({ SHARD_COUNT: 'auto' });
    discord.faults.clear();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all 4 shards/, from);
  });
});

it('another number in SHARD_COUNT is obeyed, and nothing is said about it', async () => {
  bot.setEnvironment({ SHARD_COUNT: '5' });
  const from = await restart();
  expect(shardCounts()).toEqual(new Set([4, 5]));
  expect(bot.lines.slice(from).some(({ msg }) => msg.includes('recommends'))).toBe(false);
});
