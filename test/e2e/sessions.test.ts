import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Interaction, Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot, type Misbehaviour } from './Bot.js';
import { expectAllServed, expectBalanced, expectNothingLost, guildOn, settle } from './users.js';

const SHARDS = 4;
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  // What is lost is never answered, however long one waits; the deadline is long so that a busy machine fails nothing.
  const interactionDeadlineMs = 20_000;
  const limits = { identifyIntervalMs: 200, maxConcurrency: 2, interactionDeadlineMs };
  discord = new Simulator({ guildCount: 32, shardCount: SHARDS, ...limits });
  await discord.start();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

/** Starts a bot of two clusters with two shards each, whose processes misbehave as told. */
async function start(misbehaviour: readonly Misbehaviour[] = [], env: NodeJS.ProcessEnv = {}): Promise<void> {
  bot = Bot.misbehaving(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms', ...env }, misbehaviour).start();
  await bot.untilReady();
  expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, resumes: 0 });
}

function restart(options: Record<string, number> = {}): Interaction {
  return discord.runCommand({ name: 'restart', options, guildId: guildOn(discord, 3), userId: discord.ownerId });
}

/** Asks for a restart and waits for its end. @returns the last text that its asker sees. */
async function roll(options: Record<string, number> = {}): Promise<string> {
  const from = bot.lines.length;
  const interaction = restart(options);
  const { msg } = await bot.untilLogged(/^rolling restart (done|failed|stopped)/, from);
  const outcome = /restart (\w+)/.exec(msg)?.[1];
  const headline = { done: /^Restarted/, failed: /^Restart stopped/, stopped: /^Restart called off/ }[outcome ?? ''];
  const last = (): string => interaction.entry.responses.findLast(({ content }) => content !== null)?.content ?? '';
  await until(() => headline?.test(last()) === true);
  return last();
}

const LOAD = { commandsPerSecond: 40, mentionsPerSecond: 20, messagesPerSecond: 40 };

describe('a rolling restart', () => {
  it('loses nothing, answers nothing twice and sends no IDENTIFY, under load', async () => {
    await start();
    const before = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    const text = await roll();
    await settle(discord);
    expect(text).toMatch(/^Restarted 2 of 2 clusters/);
    expect(text).toMatch(/cluster 0 .*paused \d+\/\d+ ms, \d+ events replayed, 0 IDENTIFYs/);
    for (const [id, pid] of before) {
      expect(bot.clusterPids().get(id)).not.toBe(pid);
      expect(isAlive(pid)).toBe(false);
    }
    await expectAllServed(discord);
    expectBalanced(discord);
    expect(discord.account.summary().resumes).toBe(SHARDS);
    expect(discord.account.resumes.every(({ ok, atResumeUrl }) => ok && atResumeUrl)).toBe(true);
  });

  it('keeps the guilds, with what changed in them, and hands over what the bot itself wants to keep', async () => {
    await start();
    const guildId = guildOn(discord, 0);
    discord.guilds.createChannel(guildId, { name: 'made-before-the-restart' });
    const channels = async (): Promise<string> => {
      const code = `client.guilds.get('${guildId}').channels.map(({ name }) => name).join()`;
      const run = discord.runCommand({ name: 'eval', options: { code }, guildId, userId: discord.ownerId });
      return (await run.answered).content;
    };
    const before = await channels();
    expect(before).toContain('made-before-the-restart');
    const old = bot.clusterPids().get(0);
    await roll({ cluster: 0 });
    expect(await channels()).toBe(before);
    const restored = await bot.untilLogged(/^state restored/);
    expect(restored.state).toEqual({ from: old });
    expectBalanced(discord);
  });

  it('keeps the presence that the bot has set: over a restart, a crash, and the loss of a session', async () => {
    await start();
    const inBot = async (code: string): Promise<string> => {
      const run = discord.runCommand({
        ...{ name: 'eval', options: { code }, guildId: guildOn(discord, 0), userId: discord.ownerId },
      });
      return (await run.answered).content;
    };
    const chess = { status: 'idle', activities: [{ name: 'chess', type: 0 }] };
    await inBot("client.editStatus('idle', { name: 'chess', type: 0 })");
    await until(() => discord.presenceOf(0)?.status === 'idle');
    await roll({ cluster: 0 });
    expect(await inBot('client.presence.status')).toContain('idle');
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    expect(await inBot('client.presence.status')).toContain('idle');
    expect(discord.presenceOf(0)).toMatchObject(chess);
    expectNothingLost(discord, SHARDS, bot);
    discord.faults.invalidateSession(0);
    await until(() => discord.account.summary().identifies === SHARDS + 1);
    await expectAllServed(discord);
    expect(discord.presenceOf(0)).toMatchObject(chess);
  });

  it('lets a running command finish in the old process, and its answer arrives', async () => {
    await start();
    const old = bot.clusterPids().get(0);
    const wait = discord.runCommand({ name: 'wait', options: { ms: 3_000 }, guildId: guildOn(discord, 0) });
    await until(() => wait.entry.acknowledgedAt !== null);
    await roll({ cluster: 0 });
    expect((await wait.answered).content).toBe(`waited 3000 ms in pid ${old}`);
    expectBalanced(discord);
  });

  it('does not wait longer than DRAIN_TIMEOUT for one that does not end', async () => {
    await start([], { DRAIN_TIMEOUT: '1s' });
    const old = bot.clusterPids().get(0) ?? 0;
    const wait = discord.runCommand({ name: 'wait', options: { ms: 120_000 }, guildId: guildOn(discord, 0) });
    await until(() => wait.entry.acknowledgedAt !== null);
    expect(await roll({ cluster: 0 })).toMatch(/^Restarted 1 of 1 cluster/);
    expect(isAlive(old)).toBe(false);
    await expectAllServed(discord);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0, violations: 0 });
  });
});

describe('a restart in which the new process fails', () => {
  it.each(['die while preparing', 'hang while preparing'])('%s: the old one never noticed', async (what) => {
    await start([{ clusterId: 0, generation: 2, what }], { SPAWN_TIMEOUT: '3s' });
    const before = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    expect(await roll()).toMatch(/^Restart stopped by a failure after 0 of 2[\s\S]*cluster 0/);
    await settle(discord);
    expect(bot.clusterPids()).toEqual(before);
    expect(discord.account.summary().resumes).toBe(0);
    await expectAllServed(discord);
    expectBalanced(discord);
  });

  it.each([
    ['die after the release', 'exited with code 8'],
    ['throw while restoring', 'restoreState threw: the game cannot be restored'],
    ['never end while restoring', 'restoreState did not end within 2000 ms'],
  ])('%s: the old one takes its shards back', async (what, reason) => {
    await start([{ clusterId: 0, generation: 2, what }]);
    const before = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    const text = await roll();
    expect(text).toMatch(/^Restart stopped by a failure/);
    expect(text).toContain(reason);
    await settle(discord);
    expect(bot.clusterPids()).toEqual(before);
    await expectAllServed(discord);
    expectBalanced(discord);
  });

  it('dies while the old one still saves its state: that has its shards back when it is done', async () => {
    await start([{ clusterId: 0, generation: 1, what: 'save slowly' }]);
    const before = new Map(bot.clusterPids());
    const known = new Set([bot.pid, ...before.values()]);
    discord.traffic.start(LOAD);
    const rolling = roll({ cluster: 0 });
    await until(() => discord.account.summary().connectionsOpen === SHARDS - 2);
    for (const pid of bot.processes()) if (!known.has(pid)) process.kill(pid, 'SIGKILL');
    expect(await rolling).toMatch(/^Restart stopped by a failure[\s\S]*SIGKILL/);
    await until(() => discord.account.summary().connectionsOpen === SHARDS);
    await settle(discord);
    expect(bot.clusterPids()).toEqual(before);
    await expectAllServed(discord);
    expectBalanced(discord);
    // It writes again what a crash needs.
    process.kill(before.get(0) ?? 0, 'SIGKILL');
    await until(() => bot.clusterPids().get(0) !== before.get(0));
    await expectAllServed(discord);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0, takeovers: 0 });
  });

  it('is refused the resume of one shard for good: that shard alone identifies', async () => {
    await start();
    discord.faults.refuseResume(1);
    discord.traffic.start({ messagesPerSecond: 40 });
    expect(await roll({ cluster: 0 })).toMatch(/1 IDENTIFYs/);
    await expectAllServed(discord);
    expectBalanced(discord, SHARDS + 1);
  });

  it('is told to resume again for one shard: it does, and nothing is lost', async () => {
    await start();
    discord.faults.refuseResume(1, { resumable: true, times: 1 });
    discord.traffic.start(LOAD);
    expect(await roll({ cluster: 0 })).toMatch(/0 IDENTIFYs/);
    await settle(discord);
    await expectAllServed(discord);
    expectBalanced(discord);
  });

  it('loses its socket while events are replayed: nothing is lost, nothing handled twice', async () => {
    await start();
    discord.traffic.start(LOAD);
    const rolling = roll({ cluster: 0 });
    await until(() => discord.account.resumes.some(({ shardId }) => shardId === 0));
    discord.faults.dropSocket(0, { terminate: true });
    await rolling;
    await settle(discord);
    await expectAllServed(discord);
    expectBalanced(discord);
  });
});

describe('a restart in which the old process fails', () => {
  it.each(['die while releasing', 'hang while releasing'])('%s: the new one goes on from the store', async (what) => {
    await start([{ clusterId: 0, generation: 1, what }]);
    const old = bot.clusterPids().get(0) ?? 0;
    discord.traffic.start({ messagesPerSecond: 40 });
    await roll({ cluster: 0 });
    await until(() => bot.clusterPids().get(0) !== old);
    expect(isAlive(old)).toBe(false);
    await expectAllServed(discord);
    expectBalanced(discord);
  });
});

describe('a restart in which the bot cannot save its state', () => {
  it.each([
    ['throw while saving', 'saveState threw: the game cannot be saved'],
    ['never end while saving', 'saveState did not end within 2000 ms'],
    ['save no JSON', 'saveState returned what cannot be written as JSON: Do not know how to serialize a BigInt'],
    ['save more than fits', 'no room for another'],
  ])('%s: the restart fails and says why; the old process keeps its shards and loses nothing', async (what, reason) => {
    // Every process counts below, and a spare may come at any time.
    await start([{ clusterId: 0, generation: 1, what }], { SPARE_CLUSTERS: '0' });
    const before = new Map(bot.clusterPids());
    const wait = discord.runCommand({ name: 'wait', options: { ms: 4_000 }, guildId: guildOn(discord, 0) });
    await until(() => wait.entry.acknowledgedAt !== null);
    discord.traffic.start(LOAD);
    const text = await roll();
    expect(text).toMatch(/^Restart stopped by a failure after 0 of 2[\s\S]*cluster 0/);
    expect(text).toContain(reason);
    expect(bot.processes().length).toBe(3);
    expect((await wait.answered).content).toBe(`waited 4000 ms in pid ${before.get(0)}`);
    await settle(discord);
    expect(bot.clusterPids()).toEqual(before);
    await expectAllServed(discord);
    expectBalanced(discord);
    // Those of the cluster that let go, and nobody else.
    expect(discord.account.resumes.map(({ shardId, ok }) => [shardId, ok]).sort()).toEqual([
      [0, true],
      [1, true],
    ]);
  });

  it('and dies a moment later: what it still ran is run again', async () => {
    await start([{ clusterId: 0, generation: 1, what: 'throw while saving' }]);
    const wait = discord.runCommand({ name: 'wait', options: { ms: 3_000 }, guildId: guildOn(discord, 0) });
    await until(() => wait.entry.acknowledgedAt !== null);
    const victim = bot.clusterPids().get(0) ?? 0;
    await roll({ cluster: 0 });
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    expect((await wait.answered).content).toBe(`waited 3000 ms in pid ${bot.clusterPids().get(0)}`);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0 });
  });
});

describe('a crash', () => {
  it('of a cluster costs no IDENTIFY, and every command and mention is answered', async () => {
    await start();
    discord.traffic.start(LOAD);
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    await settle(discord);
    await expectAllServed(discord);
    const { commands, mentions, ...summary } = discord.account.summary();
    expect(commands.failed + mentions.failed).toBe(0);
    expect(summary).toMatchObject({ identifies: SHARDS, overlaps: 0 });
  });

  it('runs a command again that was running, and one that may not be run twice is dropped', async () => {
    await start();
    const wait = discord.runCommand({ name: 'wait', options: { ms: 2_000 }, guildId: guildOn(discord, 0) });
    await until(() => wait.entry.acknowledgedAt !== null);
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    expect((await wait.answered).content).toBe(`waited 2000 ms in pid ${bot.clusterPids().get(0)}`);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0 });
  });

  it('again and again: always back, never an IDENTIFY', { timeout: 90_000 }, async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      // As often as is no crash loop: a life of five seconds is a life.
      await new Promise((resolve) => setTimeout(resolve, 5_500));
      for (const clusterId of [0, 1]) {
        const victim = bot.clusterPids().get(clusterId) ?? 0;
        process.kill(victim, 'SIGKILL');
        await until(() => (bot.clusterPids().get(clusterId) ?? victim) !== victim);
        await expectAllServed(discord);
      }
    }
    // A command that was answered in the very moment of the crash runs again, and Discord refuses the second answer.
    const { commands, ...summary } = discord.account.summary();
    expect(commands.failed).toBe(0);
    expect(summary).toMatchObject({ identifies: SHARDS, overlaps: 0, takeovers: 0 });
  });

  it('of the master, in the middle of a handover: the next start resumes everything', async () => {
    await start([{ clusterId: 0, generation: 2, what: 'kill the master after the release' }]);
    restart();
    expect(await bot.ended()).toEqual({ code: null, signal: 'SIGKILL' });
    const from = bot.lines.length;
    bot.misbehave([]);
    bot.start();
    // The other cluster serves on under the new master.
    await bot.untilLogged(/^took over 1 running clusters/, from);
    await bot.untilLogged(/^ready: all/, from);
    await expectAllServed(discord);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0, takeovers: 0, violations: 0 });
  });
});

describe('a stop and a start', () => {
  it('resume everything: no IDENTIFY, and what came in between is answered', async () => {
    await start();
    discord.traffic.start(LOAD);
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await settle(discord);
    await expectAllServed(discord);
    expectBalanced(discord);
    expect(discord.account.summary().resumes).toBe(SHARDS);
  });

  it.each([
    ['that ends before a command does', '1s', false],
    ['that is cut off while a command still runs', '10s', true],
  ])('%s: the next start runs that command again', async (_, drainTimeout, isKilled) => {
    await start([], { DRAIN_TIMEOUT: drainTimeout });
    const interaction = discord.runCommand({ name: 'wait', options: { ms: 4_000 }, guildId: guildOn(discord, 0) });
    await until(() => interaction.entry.state === 'acknowledged');
    const pids = [bot.pid, ...bot.clusterPids().values()];
    bot.signal('SIGTERM');
    await until(() => discord.account.summary().connectionsOpen === 0);
    if (isKilled) for (const pid of pids) process.kill(pid, 'SIGKILL');
    await bot.ended();
    expect(interaction.entry.answeredAt).toBeNull();
    bot.start();
    await interaction.answered;
    await settle(discord);
    expect(discord.account.summary()).toMatchObject({
      identifies: SHARDS,
      resumes: SHARDS,
      // The next process knows that the command was acknowledged.
      violations: 0,
      commands: { failed: 0 },
    });
    expect(interaction.entry.responses.filter(({ content }) => content?.includes('waited') === true)).toHaveLength(1);
  });

  it('after Discord has forgotten the sessions: each shard identifies, through the queue', async () => {
    await start();
    bot.signal('SIGTERM');
    await bot.ended();
    discord.faults.expireSessions();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await expectAllServed(discord);
    expectBalanced(discord, 2 * SHARDS);
  });

  it('whose first processes die while they set up: the sessions wait for one that does not', async () => {
    await start();
    bot.signal('SIGTERM');
    await bot.ended();
    const from = bot.lines.length;
    const dying = [1, 2, 3].map((generation) => ({ clusterId: 0, generation, what: 'die while preparing' }));
    bot.misbehave(dying);
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await expectAllServed(discord);
    expectBalanced(discord);
  });

  it('with another shard count, or after RESUME_WINDOW: sessions are not even tried', async () => {
    await start();
    bot.signal('SIGTERM');
    await bot.ended();
    const from = bot.lines.length;
    bot.setEnvironment({ RESUME_WINDOW: '1ms' });
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    expect(discord.account.summary()).toMatchObject({ identifies: 2 * SHARDS, resumes: 0, violations: 0 });
  });

  it('while the gateway is out of reach: the sessions are kept, and resumed when it is back', async () => {
    await start();
    bot.signal('SIGTERM');
    await bot.ended();
    discord.faults.refuseConnections();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/gateway/i, from);
    discord.faults.clear();
    await bot.untilLogged(/^ready: all/, from);
    expectBalanced(discord);
  });
});

describe('Discord itself', () => {
  it('asks for a reconnect, or closes with 1000, in the middle of traffic: nothing is lost', async () => {
    await start();
    discord.traffic.start(LOAD);
    discord.faults.requestReconnect(0);
    await until(() => discord.account.resumes.some(({ shardId }) => shardId === 0));
    discord.faults.dropSocket(2, { code: 1000 });
    await until(() => discord.account.shard(2, SHARDS).connections.length > 1);
    await settle(discord);
    await expectAllServed(discord);
    expect(discord.account.summary()).toMatchObject({
      commands: { failed: 0, answeredTwice: 0 },
      overlaps: 0,
      violations: 0,
    });
  });
});
