import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot, type Misbehaviour } from './Bot.js';
import { expectAllServed, expectNothingLost, expectServed, guildOn, settle } from './users.js';

const SHARDS = 4;
const SETTINGS = { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms' };
const LOAD = { commandsPerSecond: 30, mentionsPerSecond: 10, messagesPerSecond: 30 };
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

async function start(env: NodeJS.ProcessEnv = {}, misbehaviour: readonly Misbehaviour[] = []): Promise<void> {
  bot = Bot.misbehaving(discord, { ...SETTINGS, ...env }, misbehaviour).start();
  await bot.untilReady();
}

describe('a cluster that hangs', () => {
  it('by a blocked event loop is killed, said why, and resumed by a new process', async () => {
    await start({ HUNG_AFTER: '2s' });
    discord.traffic.start(LOAD);
    const victim = bot.clusterPids().get(0) ?? 0;
    discord.runCommand({ name: 'block', options: { ms: 120_000 }, guildId: guildOn(discord, 0) });
    const { msg } = await bot.untilLogged(/hangs: its event loop has not turned/);
    expect(msg).toContain(`pid ${victim}`);
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    expect(isAlive(victim)).toBe(false);
    await settle(discord);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    const stack = bot.lines.find((line) =>
      /the event loop is blocked in|where the event loop is blocked/.test(line.msg ?? ''),
    );
    expect(stack?.msg).toMatch(/blockTheLoopFor/);
  });

  it('because it was stopped from outside is killed and resumed', async () => {
    await start({ HUNG_AFTER: '2s' });
    const victim = bot.clusterPids().get(1) ?? 0;
    process.kill(victim, 'SIGSTOP');
    await bot.untilLogged(/hangs/);
    await until(() => (bot.clusterPids().get(1) ?? victim) !== victim);
    expect(isAlive(victim)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('is left alone when it was the master that did not run', async () => {
    await start({ HUNG_AFTER: '2s' });
    const pids = new Map(bot.clusterPids());
    bot.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    bot.signal('SIGCONT');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await expectAllServed(discord);
    expect(bot.clusterPids()).toEqual(pids);
    expect(bot.lines.some(({ msg }) => /hangs/.test(msg))).toBe(false);
  });
});

describe('clusters that die', () => {
  it('two at once are both back, and nothing is lost', async () => {
    await start();
    discord.traffic.start(LOAD);
    const victims = new Map(bot.clusterPids());
    for (const pid of victims.values()) process.kill(pid, 'SIGKILL');
    await until(() => [...victims].every(([id, pid]) => bot.clusterPids().get(id) !== pid));
    await settle(discord);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('of a command are not killed by it for ever: it is given up, and nothing else is lost', {
    timeout: 60_000,
  }, async () => {
    await start();
    discord.traffic.start({ mentionsPerSecond: 10 });
    const poison = discord.runCommand({ name: 'die', guildId: guildOn(discord, 0) });
    // Such a kill may have hit anybody, the first time.
    await bot.untilLogged(/was killed while die \d+ was on its stack: it is run once more/);
    await bot.untilLogged(/^die \d+ stopped process/);
    await settle(discord);
    await expectAllServed(discord);
    expect((await poison.answered).content).toMatch(/will not run it again/);
    expect(bot.lines.filter(({ msg }) => /^cluster 0 (was killed|did not start)/.test(msg ?? ''))).toHaveLength(2);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0, mentions: { failed: 0 } });
  });

  it('again and again, a second after they served, are always back within seconds, and cost no IDENTIFY', async () => {
    await start();
    discord.traffic.start(LOAD);
    for (let death = 1; death <= 8; death++) {
      const victim = bot.clusterPids().get(1) ?? 0;
      process.kill(victim, 'SIGKILL');
      await until(() => bot.clusterPids().get(1) !== victim);
      await expectServed(discord, SHARDS - 1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    await settle(discord);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.resumes.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(8 * (SHARDS / 2));
    expect(bot.lines.some(({ msg }) => /FAILED/.test(msg))).toBe(false);
    for (const { delayMs } of bot.lines) if (delayMs !== undefined) expect(delayMs).toBeLessThanOrEqual(2_000);
  });

  it('again and again before they are ready open their circuit, and leave the others alone', {
    timeout: 60_000,
  }, async () => {
    await start({}, [{ clusterId: 1, generation: 1, what: 'always die' }]);
    const pids = new Map(bot.clusterPids());
    process.kill(pids.get(1) ?? 0, 'SIGKILL');
    await bot.untilLogged(/cluster 1 FAILED/);
    expect(bot.lines.filter(({ msg }) => /^cluster 1 did not start/.test(msg)).length).toBe(4);
    expect(isAlive(pids.get(0) ?? 0)).toBe(true);
    await expectServed(discord, 0);
  });
});

describe('the death of the master', () => {
  it('is not noticed when a new one comes: same clusters, nothing lost, nothing doubled', async () => {
    await start();
    const pids = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    bot.signal('SIGKILL');
    expect(await bot.ended()).toEqual({ code: null, signal: 'SIGKILL' });
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^took over 2 running clusters/, from);
    await settle(discord);
    await expectAllServed(discord);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(true);
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary()).toMatchObject({ resumes: 0, violations: 0, commands: { answeredTwice: 0 } });
    // The new master is a whole one: it answers requests, replaces clusters, and its logs hold theirs.
    const restart = discord.runCommand({ name: 'restart', guildId: guildOn(discord, 0), userId: discord.ownerId });
    await restart.answered;
    await bot.untilLogged(/^rolling restart done/, from);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
  });

  it('twice in a row, and the clusters still serve', async () => {
    await start();
    const pids = new Map(bot.clusterPids());
    for (let death = 0; death < 2; death++) {
      bot.signal('SIGKILL');
      await bot.ended();
      const from = bot.lines.length;
      bot.start();
      await bot.untilLogged(/^took over 2/, from);
    }
    await expectAllServed(discord);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(true);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('twice, with the death of a cluster between: the new master knows all that run, and no shard has two owners', async () => {
    await start();
    const kill = async (): Promise<void> => {
      bot.signal('SIGKILL');
      await bot.ended();
      const from = bot.lines.length;
      bot.start();
      await bot.untilLogged(/^took over 2 running clusters/, from);
    };
    await kill();
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => (bot.clusterPids().get(0) ?? victim) !== victim);
    const pids = new Map(bot.clusterPids());
    await kill();
    expect(bot.clusterPids()).toEqual(pids);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('without a new one: they serve for ORPHAN_GRACE, then end, and the next start resumes', async () => {
    await start({ ORPHAN_GRACE: '3s' });
    bot.signal('SIGKILL');
    await bot.ended();
    await expectAllServed(discord);
    await until(() => bot.processes().length === 0);
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary().resumes).toBe(SHARDS);
  });

  it('and a new one with other settings: its clusters are replaced, by resume', async () => {
    await start();
    const pids = new Map(bot.clusterPids());
    bot.signal('SIGKILL');
    await bot.ended();
    const from = bot.lines.length;
    bot.setEnvironment({ CLUSTER_COUNT: '4' });
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });
});

describe('a list of clusters that is of no use', () => {
  const list = (): string => join(bot.dataDir, 'ipc', 'clusters.json');
  const labels = (): string[] =>
    Array.from({ length: SHARDS }, (_, id) => join(bot.dataDir, `shards/${id}/label.json`));

  /** A new master, whose clusters replace those that are left: no shard has two owners, and each is resumed once. */
  async function expectReplaced(damage: () => void): Promise<void> {
    await start();
    const pids = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    bot.signal('SIGKILL');
    await bot.ended();
    damage();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(false);
    await settle(discord);
    await expectAllServed(discord);
    expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0 });
  }

  it.each(['', 'no JSON'])('because it holds %o: the clusters are found by their stores', async (text) => {
    await expectReplaced(() => writeFileSync(list(), text));
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary().resumes).toBe(SHARDS);
  });

  it('because it could not be written: the clusters are found by their stores', async () => {
    await expectReplaced(() => {
      rmSync(list(), { force: true });
      // Nothing can replace a folder that is not empty.
      mkdirSync(join(list(), 'in the way'), { recursive: true });
    });
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary().resumes).toBe(SHARDS);
  });

  it('and stores that do not say who writes them: the clusters end when the new master does not know them', async () => {
    await expectReplaced(() => {
      rmSync(list());
      for (const file of labels()) {
        writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), writer: null }));
      }
    });
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary().resumes).toBe(SHARDS);
  });

  it('and a cluster that does not wake up: it is killed before its shards begin elsewhere', async () => {
    await start();
    const pids = new Map(bot.clusterPids());
    bot.signal('SIGKILL');
    await bot.ended();
    rmSync(list());
    process.kill(pids.get(0) ?? 0, 'SIGSTOP');
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary()).toMatchObject({ overlaps: 0, resumes: SHARDS });
  });
});

describe('an upgrade in place', () => {
  it('puts a new master and new clusters in place, without a gap', async () => {
    // The program of `npm start`: the upgrade is its own.
    bot = Bot.for(discord, SETTINGS).start();
    await bot.untilReady();
    const pids = new Map(bot.clusterPids());
    discord.traffic.start(LOAD);
    for (let round = 0; round < 2; round++) {
      const from = bot.lines.length;
      bot.signal('SIGUSR2');
      await bot.untilLogged(/^took over 2/, from);
      await bot.untilLogged(/^rolling restart done/, from);
    }
    await settle(discord);
    await expectAllServed(discord);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(false);
    expectNothingLost(discord, SHARDS, bot);
    expect(discord.account.summary()).toMatchObject({ violations: 0, commands: { answeredTwice: 0 } });
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
  });

  it('whose new master cannot be spawned leaves the old one in place, with its clusters', async () => {
    bot = Bot.for(discord, SETTINGS);
    bot.node = join(bot.cwd, 'node');
    copyFileSync(process.execPath, bot.node);
    bot.start();
    await bot.untilReady();
    const pids = new Map(bot.clusterPids());
    const from = bot.lines.length;
    rmSync(bot.node);
    bot.signal('SIGUSR2');
    const { msg } = await bot.untilLogged(/^the new master did not start/, from);
    expect(msg).toMatch(/ENOENT.*the old one goes on/);
    await bot.untilLogged(/^took over 2/, from);
    await expectAllServed(discord);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(true);
    expectNothingLost(discord, SHARDS, bot);
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
  });
});
