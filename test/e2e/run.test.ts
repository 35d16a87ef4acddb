import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { guildOn } from './users.js';

const COMMANDS = '/applications/:applicationId/commands';
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  discord = new Simulator({ guildCount: 64, shardCount: 8, identifyIntervalMs: 200, maxConcurrency: 2 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '4', IDENTIFY_INTERVAL: '200ms' });
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

describe('the bot', () => {
  it('logs every shard in once, answers commands and mentions on each, and leaves nothing behind', async () => {
    bot.start();
    await bot.untilReady();
    expect(discord.account.identifies.map(({ shardId }) => shardId).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (let shardId = 0; shardId < 8; shardId++) {
      const guildId = guildOn(discord, shardId);
      const answer = await discord.runCommand({ name: 'ping', guildId }).answered;
      const clusterId = Math.floor(shardId / 2);
      expect(answer.content).toMatch(/pong/);
      expect(answer.content).toContain(`shard ${shardId}`);
      expect(answer.content).toContain(`cluster ${clusterId}`);
      expect(answer.content).toContain(`pid ${bot.clusterPids().get(clusterId)}`);
      const reply = await discord.sendMessage({ guildId, content: `<@${discord.botId}> ping` }).answered;
      expect(reply.content).toContain(`shard ${shardId}`);
    }
    bot.signal('SIGINT');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
    expect(readdirSync(join(bot.dataDir, 'ipc'))).toEqual([]);
    expect(discord.account.summary()).toMatchObject({
      commands: { sent: 8, answeredOnce: 8, answeredTwice: 0, failed: 0 },
      mentions: { sent: 8, answeredOnce: 8, answeredTwice: 0, failed: 0 },
      identifies: 8,
      overlaps: 0,
      violations: 0,
    });
    // Closed so that the sessions can be resumed by the next start.
    const codes = discord.account.connections.map(({ closedBy, closeCode }) => `${closedBy} ${closeCode}`);
    expect(new Set(codes)).toEqual(new Set(['client 4901']));
    expect(bot.stdout + bot.stderr).not.toContain(discord.token);
  });

  it('registers its commands once, later only what changed, and leaves those of others alone', async () => {
    bot.start();
    await bot.untilReady();
    const asked = (): number => discord.account.rest.byRoute[`GET ${COMMANDS}`] ?? 0;
    const writes = () =>
      Object.entries(discord.account.rest.byRoute).filter(
        ([route]) => route.includes(COMMANDS) && !route.startsWith('GET'),
      );
    await bot.untilLogged(/^slash commands: added ping, /);
    const before = writes();
    expect(before).toEqual([[`PUT ${COMMANDS}`, 1]]);
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    discord.commands.upsert({ name: 'foreign', description: 'Registered by somebody else.' });
    const [ping] = discord.commands.list();
    discord.commands.patch(ping?.id ?? '', { default_member_permissions: '8' });
    bot.start();
    await bot.untilLogged(/^slash commands: changed ping \(default_member_permissions\)$/);
    expect(writes()).toEqual([...before, [`PATCH ${COMMANDS}/:commandId`, 1]]);
    expect(discord.commands.list().map(({ name }) => name)).toContain('foreign');
    bot.signal('SIGTERM');
    await bot.ended();
    const seen = asked();
    bot.start();
    await bot.untilReady();
    await until(() => asked() > seen);
    bot.signal('SIGTERM');
    await bot.ended();
    expect(writes()).toEqual([...before, [`PATCH ${COMMANDS}/:commandId`, 1]]);
  });

  it('brings a killed cluster back, and the others never notice', async () => {
    bot.start();
    await bot.untilReady();
    const pids = new Map(bot.clusterPids());
    const victim = pids.get(2) ?? 0;
    process.kill(victim, 'SIGKILL');
    await bot.untilLogged(/^cluster 2 was killed by SIGKILL/);
    await until(() => bot.clusterPids().get(2) !== victim);
    const answer = await discord.runCommand({ name: 'ping', guildId: guildOn(discord, 5) }).answered;
    expect(answer.content).toContain(`pid ${bot.clusterPids().get(2)}`);
    for (const id of [0, 1, 3]) {
      expect(bot.clusterPids().get(id)).toBe(pids.get(id));
      expect(isAlive(pids.get(id) ?? 0)).toBe(true);
    }
    expect(discord.account.summary()).toMatchObject({ violations: 0, overlaps: 0 });
  });
});

describe("a restart by the owner's command", () => {
  it('replaces every cluster, one after the other, shows progress, and answers nothing twice', async () => {
    bot.start();
    await bot.untilReady();
    const before = new Map(bot.clusterPids());
    discord.traffic.start({ commandsPerSecond: 50 });
    const guildId = guildOn(discord, 0);
    const restart = discord.runCommand({ name: 'restart', guildId, userId: discord.ownerId });
    const first = await restart.answered;
    expect(first.content).not.toBe('');
    await bot.untilLogged(/rolling restart (is )?done/);
    discord.traffic.stop();
    const after = bot.clusterPids();
    for (const [id, pid] of before) {
      expect(after.get(id)).not.toBe(pid);
      expect(isAlive(pid)).toBe(false);
    }
    const texts = restart.entry.responses.filter(({ content }) => content !== null);
    expect(texts.length).toBeGreaterThan(2);
    await until(() => discord.account.summary().commands.pending === 0);
    const summary = discord.account.summary();
    expect(summary.commands.answeredTwice).toBe(0);
    expect(summary).toMatchObject({ overlaps: 0, takeovers: 0, violations: 0 });
  });

  it('is refused to anybody else, and only they see it', async () => {
    bot.start();
    await bot.untilReady();
    const guildId = guildOn(discord, 0);
    const answer = await discord.runCommand({ name: 'restart', guildId, userId: discord.memberIdOf(guildId, 1) })
      .answered;
    expect(answer.ephemeral).toBe(true);
    expect(answer.content).toMatch(/owner/i);
  });
});
