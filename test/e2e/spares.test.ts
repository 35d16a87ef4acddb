import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectAllServed, expectNothingLost, guildOn, settle } from './users.js';

/*
 * A bot of its author, whose program says which version it is. A test changes the program on disk while the bot runs.
 */

const DIST = new URL('../../dist/', import.meta.url).href;
const SHARDS = 4;
const SETTINGS = { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms', SPARE_CLUSTERS: '1' };
const LOAD = { commandsPerSecond: 30, mentionsPerSecond: 10, messagesPerSecond: 30 };
const MASTER = `
import { runMaster } from '${DIST}master/index.js';
await runMaster({ cluster: new URL('cluster.js', import.meta.url) });
`;

/** @param atLoad What the program does before it starts. */
function clusterProgram(version: number, atLoad = ''): string {
  return `
import { ClusterWorker, createCommands, defineCommand } from '${DIST}cluster/index.js';
const block = defineCommand({
  definition: { name: 'block', description: 'Blocks the event loop.' },
  onCrash: 'drop',
  async run(invocation) {
    await invocation.reply('blocking');
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
const worker = new ClusterWorker({
  commands: (dependencies) => [...createCommands(dependencies), block],
  setUp: (_client, { clusterId }) => worker.logger.info({ clusterId }, 'runs version ${version}'),
});
worker.logger.info('loaded version ${version}');
${atLoad}
process.on('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
worker.start().catch(async (error) => {
  await worker.fail(error);
  process.exit(1);
});
`;
}

let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  const limits = { identifyIntervalMs: 100, maxConcurrency: 4, interactionDeadlineMs: 30_000 };
  discord = new Simulator({ guildCount: 16, shardCount: SHARDS, ...limits });
  await discord.start();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

/** Starts it, and waits until it serves. */
async function start(env: NodeJS.ProcessEnv = {}, program = clusterProgram(1)): Promise<void> {
  bot = Bot.for(discord, { ...SETTINGS, ...env });
  bot.write('package.json', '{ "type": "module" }');
  bot.write('cluster.js', program);
  bot.entry = bot.write('master.js', MASTER);
  bot.start();
  await bot.untilReady();
}

function deploy(version: number, atLoad = ''): void {
  writeFileSync(join(bot.cwd, 'cluster.js'), clusterProgram(version, atLoad));
}

/** @returns the pid of the next spare that waits. */
async function untilSpareWaits(from = 0): Promise<number> {
  const { workerPid } = await bot.untilLogged(/^spare cluster \(pid \d+\) waits$/, from);
  return Number(workerPid);
}

async function untilReplaced(clusterId: number, oldPid: number | undefined): Promise<number> {
  await until(() => bot.clusterPids().get(clusterId) !== oldPid);
  return bot.clusterPids().get(clusterId) ?? 0;
}

/** By cluster, the version that its last process said it runs. */
function versions(): Map<unknown, string> {
  const runs = bot.lines.filter(({ msg }) => /^runs version/.test(msg ?? ''));
  return new Map(runs.map(({ clusterId, msg }) => [clusterId, msg.replace('runs version ', '')]));
}

/** What the master itself warns of. */
const spareWarnings = (): string[] =>
  bot.lines
    .filter(({ kind, msg, level }) => kind === 'master' && level >= 40 && /spare/.test(msg ?? ''))
    .map(({ msg }) => msg);

describe('a spare', () => {
  it('takes the place of a cluster that is killed, and says from then on which cluster it is', async () => {
    await start();
    discord.traffic.start(LOAD);
    const spare = await untilSpareWaits();
    const loaded = bot.lines.find(({ pid, msg }) => pid === spare && msg === 'loaded version 1');
    expect([loaded?.kind, loaded?.id]).toEqual(['cluster', undefined]);
    expect(bot.lines.some(({ pid, msg }) => pid === spare && /^runs version/.test(msg ?? ''))).toBe(false);
    const from = bot.lines.length;
    const victim = bot.clusterPids().get(1) ?? 0;
    process.kill(victim, 'SIGKILL');
    expect(await untilReplaced(1, victim)).toBe(spare);
    const runs = bot.lines.find(({ pid, msg }) => pid === spare && msg === 'runs version 1');
    expect([runs?.kind, runs?.id, runs?.clusterId]).toEqual(['cluster', 1, 1]);
    await settle(discord);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
    expect(await untilSpareWaits(from)).not.toBe(spare);
  });

  it('takes the place of a cluster that hangs', async () => {
    await start({ HUNG_AFTER: '2s' });
    const spare = await untilSpareWaits();
    const victim = bot.clusterPids().get(0) ?? 0;
    discord.runCommand({ name: 'block', guildId: guildOn(discord, 0) });
    expect(await untilReplaced(0, victim)).toBe(spare);
    expect(isAlive(victim)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('that is killed while it waits is replaced, and is no crash of a cluster', async () => {
    await start();
    const pids = new Map(bot.clusterPids());
    const spare = await untilSpareWaits();
    const from = bot.lines.length;
    process.kill(spare, 'SIGKILL');
    await bot.untilLogged(/^spare cluster \(pid \d+\) ended while it waited; the next is made in/, from);
    const next = await untilSpareWaits(from);
    expect(bot.clusterPids()).toEqual(pids);
    expect(bot.lines.filter(({ msg }) => /^cluster \d+ (was|exited|did)/.test(msg ?? ''))).toEqual([]);
    const { clusters } = await status();
    expect(clusters.map(({ restarts }) => restarts.count)).toEqual([0, 0]);
    process.kill(pids.get(0) ?? 0, 'SIGKILL');
    expect(await untilReplaced(0, pids.get(0))).toBe(next);
  });

  it('that hangs while it waits is killed and replaced', async () => {
    await start({ HUNG_AFTER: '2s' });
    const spare = await untilSpareWaits();
    const from = bot.lines.length;
    process.kill(spare, 'SIGSTOP');
    await bot.untilLogged(/^spare cluster \(pid \d+\) hangs/, from);
    await untilSpareWaits(from);
    expect(isAlive(spare)).toBe(false);
  });

  it('that hangs when it is needed costs a second, and the cluster gets a new process', async () => {
    await start();
    const spare = await untilSpareWaits();
    process.kill(spare, 'SIGSTOP');
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    const successor = await untilReplaced(0, victim);
    expect(successor).not.toBe(spare);
    expect(isAlive(spare)).toBe(false);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('whose program throws when a spare loads it is said why, again only after a pause, and harms no cluster', async () => {
    await start({}, clusterProgram(1, 'const names = ["a", "b"][worker.id];'));
    await bot.untilLogged(
      /^no spare process could be made: .*this process is a spare: it has an id .* the next is made/s,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(spareWarnings().length).toBeLessThanOrEqual(2);
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await untilReplaced(0, victim);
    await expectAllServed(discord);
  });

  it('is not made with SPARE_CLUSTERS=0', async () => {
    await start({ SPARE_CLUSTERS: '0' });
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    await untilReplaced(0, victim);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(bot.lines.filter(({ msg }) => /spare/.test(msg ?? ''))).toEqual([]);
    expect(bot.processes()).toHaveLength(3);
  });
});

describe('new code on disk', () => {
  it('is run by every cluster of a restart, also by those that take a spare', async () => {
    await start({ CLUSTER_COUNT: '4' });
    discord.traffic.start(LOAD);
    const old = await untilSpareWaits();
    deploy(2);
    await restart();
    await bot.untilLogged(/^rolling restart done/);
    expect([...versions().values()]).toEqual(['2', '2', '2', '2']);
    expect(isAlive(old)).toBe(false);
    const taken = bot.lines.filter(({ msg }) => /goes on in the spare process$/.test(msg ?? ''));
    expect(taken.map(({ cluster }) => cluster)).toEqual([1, 2, 3]);
    await settle(discord);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('is not run by a crash that takes the spare of the old code, and no spare is made of it before a restart', async () => {
    await start();
    const spare = await untilSpareWaits();
    deploy(2);
    const from = bot.lines.length;
    const victim = bot.clusterPids().get(0) ?? 0;
    process.kill(victim, 'SIGKILL');
    expect(await untilReplaced(0, victim)).toBe(spare);
    expect(versions().get(0)).toBe('1');
    await bot.untilLogged(/^no spare process is made: the clusters' program has changed on disk/, from);
    await restart();
    await bot.untilLogged(/^rolling restart done/);
    await untilSpareWaits(from);
    const second = bot.clusterPids().get(1) ?? 0;
    process.kill(second, 'SIGKILL');
    await untilReplaced(1, second);
    expect(versions().get(1)).toBe('2');
  });

  it('is run by every cluster after an upgrade', async () => {
    await start();
    const old = await untilSpareWaits();
    deploy(2);
    bot.signal('SIGUSR2');
    await bot.untilLogged(/^rolling restart done/);
    expect(isAlive(old)).toBe(false);
    expect([...versions().values()]).toEqual(['2', '2']);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('that throws at load fails the restart at its first cluster; the others serve on', async () => {
    await start();
    await untilSpareWaits();
    const pids = new Map(bot.clusterPids());
    deploy(2, "throw new Error('this version is broken');");
    await restart();
    await bot.untilLogged(/^rolling restart failed/);
    expect(bot.clusterPids()).toEqual(pids);
    await expectAllServed(discord);
  });
});

describe('nothing is left of a spare', () => {
  it('when its master is killed: it ends, and the clusters serve on under a new master', async () => {
    await start();
    const spare = await untilSpareWaits();
    const pids = new Map(bot.clusterPids());
    bot.signal('SIGKILL');
    await until(() => !isAlive(spare));
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^took over 2 running clusters/, from);
    const next = await untilSpareWaits(from);
    process.kill(pids.get(0) ?? 0, 'SIGKILL');
    expect(await untilReplaced(0, pids.get(0))).toBe(next);
    await expectAllServed(discord);
    expectNothingLost(discord, SHARDS, bot);
  });

  it('when it hangs and its master is killed: the next master kills it', async () => {
    await start();
    const spare = await untilSpareWaits();
    process.kill(spare, 'SIGSTOP');
    bot.signal('SIGKILL');
    await bot.ended();
    bot.start();
    await until(() => !isAlive(spare));
    await bot.untilLogged(/^took over 2 running clusters/);
  });

  it('that still loads when its master is killed: it ends when it has loaded', async () => {
    const slow = `
      import { existsSync } from 'node:fs';
      if (existsSync(new URL('slow', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 2_000));
    `;
    await start({ SPARE_CLUSTERS: '1' }, clusterProgram(1, slow));
    bot.write('slow', '');
    const first = await untilSpareWaits();
    const from = bot.lines.length;
    process.kill(first, 'SIGKILL');
    const { pid: spare = 0 } = await bot.untilLogged(/^loaded version 1/, from);
    bot.signal('SIGKILL');
    expect(isAlive(spare)).toBe(true);
    await until(() => !isAlive(spare));
    expect([...bot.clusterPids().values()].every(isAlive)).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('after %s', async (signal) => {
    await start();
    const spare = await untilSpareWaits();
    bot.signal(signal);
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect([isAlive(spare), bot.processes()]).toEqual([false, []]);
    expect(spareWarnings()).toEqual([]);
    expect(() => readFileSync(join(bot.dataDir, 'ipc', 'clusters.json'))).toThrow('ENOENT');
  });

  it('that does not end by itself after a SIGTERM to the master', async () => {
    await start({}, clusterProgram(1, "process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1_000);"));
    const spare = await untilSpareWaits();
    process.kill(spare, 'SIGSTOP');
    bot.signal('SIGTERM');
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.processes()).toEqual([]);
  });
});

async function status(): Promise<{ readonly clusters: readonly { readonly restarts: { readonly count: number } }[] }> {
  const { url, headers } = bot.adminApi();
  return (await (await fetch(`${url}/api/status`, { headers })).json()) as Awaited<ReturnType<typeof status>>;
}

async function restart(): Promise<void> {
  const { url, headers } = bot.adminApi();
  const type = { 'content-type': 'application/json' };
  const { status: code } = await fetch(`${url}/api/restart`, {
    method: 'POST',
    headers: { ...headers, ...type },
    body: '{}',
  });
  expect(code).toBe(202);
}
