import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdminStatus } from '../../src/core/contracts/AdminApi.js';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectBalanced, guildOn, settle } from './users.js';

const SHARDS = 4;
/** Of the shard that is made deaf. */
const DEAF = 1;
// Few mentions: of those that a deaf shard misses, Discord's limit lets it answer one a second in each channel.
const LOAD = { commandsPerSecond: 10, mentionsPerSecond: 4, messagesPerSecond: 36 };
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  const limits = { identifyIntervalMs: 200, maxConcurrency: 2, interactionDeadlineMs: 60_000 };
  discord = new Simulator({ guildCount: 32, shardCount: SHARDS, heartbeatIntervalMs: 1_500, ...limits });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms', DEAF_AFTER: '1s' }).start();
  await bot.untilReady();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

const resumes = (): number => discord.account.shard(DEAF).resumes.filter(({ ok }) => ok).length;

/** A user whom the shard does not hear. @returns whether the message has had its answer. */
function mention(): () => boolean {
  const sent = discord.sendMessage({ guildId: guildOn(discord, DEAF), content: `<@${discord.botId}> ping` });
  return () => sent.entry.replies.length > 0;
}

describe('a deaf shard', () => {
  it('that gets neither events nor heartbeat ACKs resumes, and hears what it has missed, each once', async () => {
    discord.faults.goSilent(DEAF);
    const answered = Array.from({ length: 10 }, mention);
    await bot.untilLogged(/^Shard 1 is deaf \(no heartbeat ACK\)/);
    await until(() => answered.every((isAnswered) => isAnswered()));
    await settle(discord);
    expectBalanced(discord);
    expect(discord.account.resumes).toMatchObject([{ shardId: DEAF, ok: true }]);
  });

  it('that gets ACKs and no events resumes, because its own traffic says that this is unusual', async () => {
    discord.traffic.start(LOAD);
    await sleep(3_000);
    discord.faults.withhold(DEAF, 'dispatches');
    await bot.untilLogged(/^Shard 1 is deaf \(no event for/);
    await until(() => resumes() === 1);
    // Before the users fall silent, which is unusual too.
    const [resume, ...others] = discord.account.resumes;
    expect(resume).toMatchObject({ shardId: DEAF, ok: true });
    expect(resume?.replayed).toBeGreaterThan(0);
    expect(others).toEqual([]);
    await settle(discord);
    expectBalanced(discord);
  });

  it('that is connected and not greeted gives that connection up, as often as it takes', async () => {
    discord.faults.delayHello(600_000);
    const opened = (): number => discord.account.connections.length;
    const before = opened();
    discord.faults.dropSocket(DEAF, { terminate: true });
    const answered = mention();
    await until(() => opened() >= before + 3);
    discord.faults.clear();
    await until(answered);
    await settle(discord);
    expectBalanced(discord);
    expect(resumes()).toBeGreaterThan(0);
    // Two attempts in vain are a reason to hand its cluster over, which may have begun or not: then its other shard resumes too.
    expect(discord.account.resumes.filter(({ ok, shardId }) => !ok || ![0, DEAF].includes(shardId ?? -1))).toEqual([]);
  });

  it('that a reconnect does not cure has its cluster replaced by a handover, and it is said why', async () => {
    const pids = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    discord.faults.withhold(DEAF, 'acks', { again: 1 });
    await bot.untilLogged(/^cluster 0 hands over, because it has a deaf shard: shard 1: no heartbeat ACK/);
    await until(() => bot.clusterPids().get(0) !== pids.get(0) && !isAlive(pids.get(0) ?? 0));
    expect(bot.clusterPids().get(1)).toBe(pids.get(1));
    await settle(discord);
    expectBalanced(discord);

    const { url, headers } = bot.adminApi();
    const get = (path: string) => fetch(url + path, { headers });
    const status = (await (await get('/api/status')).json()) as AdminStatus;
    expect(status.clusters[0]?.restarts).toMatchObject({ count: 1, recent: [{ cause: 'deaf' }] });
    const metrics = await (await get('/metrics')).text();
    expect(metrics).toContain('kallisti_cluster_restarts_total{cluster="0",cause="deaf"} 1');
  });

  it('is no reason to replace anything where all are deaf: then it is Discord that does not talk', async () => {
    const pids = new Map(bot.clusterPids());
    discord.faults.delayHello(600_000);
    for (let shardId = 0; shardId < SHARDS; shardId++) discord.faults.dropSocket(shardId, { terminate: true });
    await bot.untilLogged(/^no cluster hears all of its shards/);
    discord.faults.clear();
    const answered = mention();
    await until(answered);
    await settle(discord);
    expectBalanced(discord);
    expect(bot.clusterPids()).toEqual(pids);
  });
});
