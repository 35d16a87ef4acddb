import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Interaction, Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectNothingLost, guildOn, settle } from './users.js';

const SHARDS = 4;
const LOAD = { commandsPerSecond: 20, mentionsPerSecond: 10, messagesPerSecond: 20 };
const HUNG = { HUNG_AFTER: '2s' };
const TOLD = 'The process of the bot ended while it ran this command, so it will not run it again.';
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  // What is lost is never answered, however long one waits; the deadline is long so that a busy machine fails nothing.
  const limits = { identifyIntervalMs: 200, maxConcurrency: 2, interactionDeadlineMs: 30_000 };
  discord = new Simulator({ guildCount: 32, shardCount: SHARDS, ...limits });
  await discord.start();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<void> {
  bot = Bot.misbehaving(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms', ...env }).start();
  await bot.untilReady();
}

const run = (name: string, options: Record<string, string | number> = {}): Interaction =>
  discord.runCommand({ name, options, guildId: guildOn(discord, 0), userId: discord.ownerId });

/** What the master says of each process of cluster 0 that ended. */
const deaths = (): string[] =>
  bot.lines.flatMap(({ msg }) =>
    /^cluster 0 (was killed|exited|ran out|did not start)/.test(msg ?? '') ? [msg ?? ''] : [],
  );

async function untilReplaced(pid: number | undefined): Promise<void> {
  await until(() => bot.clusterPids().get(0) !== pid);
}

describe('a command that stops its process', () => {
  it('by blocking the event loop costs one process, under load; its user is told, and all others are answered', async () => {
    await start(HUNG);
    discord.traffic.start(LOAD);
    const victim = bot.clusterPids().get(0);
    const poison = run('eval', { code: 'for(;;);' });
    await untilReplaced(victim);
    expect((await poison.answered).content).toBe(TOLD);
    // Longer than a successor that hung would be let live.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(deaths()).toHaveLength(1);
    const { msg } = await bot.untilLogged(/^eval \d+ stopped process/);
    // Where the machine is too busy to see in time where a process hangs, nobody has the stack.
    const sampled = bot.lines.find((line) => /where the event loop is blocked/.test(line.msg ?? ''))?.msg ?? '';
    const [, stack = ''] = /blocked:(\n[\s\S]*)/.exec(sampled) ?? [];
    expect(msg).toMatch(/^eval \d+ /);
    expect(msg?.replace(/^eval \d+ /, '')).toBe(
      `stopped process ${victim} (was killed by SIGKILL): it is not run again${stack}`,
    );
  });

  it('is told by a reply where it was a mention', async () => {
    await start(HUNG);
    const content = `<@${discord.botId}> eval for(;;);`;
    const message = discord.sendMessage({ guildId: guildOn(discord, 0), content, userId: discord.ownerId });
    expect((await message.answered).content).toBe(TOLD);
    expect(deaths()).toHaveLength(1);
  });

  it('by blocking it after an await costs one process, and what was under way beside it is run again', async () => {
    await start(HUNG);
    const waiting = [1_000, 3_000, 8_000].map((ms) => run('wait', { ms }));
    await until(() => waiting.every(({ entry }) => entry.acknowledgedAt !== null));
    const poison = run('stop', { how: 'block later' });
    expect((await poison.answered).content).toBe(TOLD);
    for (const { answered } of waiting) expect((await answered).content).toMatch(/^waited/);
    expect(deaths()).toHaveLength(1);
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('by process.exit costs one process', async () => {
    await start();
    discord.traffic.start(LOAD);
    expect((await run('stop', { how: 'exit' }).answered).content).toBe(TOLD);
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(deaths()).toEqual(['cluster 0 exited with code 3']);
  });

  it('by eating the heap costs one process', async () => {
    await start({ CLUSTER_MEMORY_MB: '64' });
    discord.traffic.start(LOAD);
    expect((await run('stop', { how: 'eat' }).answered).content).toBe(TOLD);
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(deaths()).toEqual(['cluster 0 ran out of memory']);
  });

  it('where nobody could see it costs two, and is given up', async () => {
    await start();
    discord.traffic.start({ mentionsPerSecond: 10 });
    expect((await run('stop', { how: 'exit in a timer' }).answered).content).toBe(TOLD);
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(deaths()).toHaveLength(2);
  });
});

describe('a command that is not to blame', () => {
  it('is run again after each of two kills from outside', async () => {
    await start();
    const waiting = run('wait', { ms: 3_000 });
    await until(() => waiting.entry.acknowledgedAt !== null);
    for (let kill = 0; kill < 2; kill++) {
      const victim = bot.clusterPids().get(0) ?? 0;
      // It is under way: what is acknowledged is older than a commit takes.
      await new Promise((resolve) => setTimeout(resolve, 500));
      process.kill(victim, 'SIGKILL');
      await untilReplaced(victim);
    }
    expect((await waiting.answered).content).toBe(`waited 3000 ms in pid ${bot.clusterPids().get(0)}`);
  });
});

describe('where marks cannot be written', () => {
  it('the bot serves as ever, and says so once for each shard', async () => {
    await start();
    const from = bot.lines.length;
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    for (const shardId of [0, 1]) {
      const mark = join(bot.dataDir, 'shards', String(shardId), 'stack');
      rmSync(mark, { force: true });
      mkdirSync(mark);
    }
    await untilReplaced(victim);
    expect((await run('ping').answered).content).toContain('shard 0');
    const said = bot.lines.slice(from).filter(({ msg }) => /cannot be noted/.test(msg ?? ''));
    expect(said).toHaveLength(2);
    await settle(discord);
    expectNothingLost(discord, SHARDS, bot);
  });
});
