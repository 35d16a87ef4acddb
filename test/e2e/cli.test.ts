import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AdminStatus, LogLine, RestartStatus } from '../../src/core/contracts/AdminApi.js';
import { Simulator } from '../../src/simulator/index.js';
import { CliRun, runCli } from '../cli/CliRun.js';
import { isAlive, until } from '../support/processes.js';
import { Bot } from './Bot.js';

/*
 * The built command line against the built bot and the local Discord. The tests are one story: the bot is looked at, rolled,
 * upgraded and stopped.
 */

let discord: Simulator;
let bot: Bot;
let token: string;

beforeAll(async () => {
  discord = new Simulator({ guildCount: 8, shardCount: 4, identifyIntervalMs: 100, maxConcurrency: 4 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms', ADMIN_PORT: '0', ADMIN_EVAL: 'on' }).start();
  await bot.untilReady();
  token = bot.adminApi().token;
});

afterAll(async () => {
  await bot.dispose();
  await discord.stop();
});

async function cli(...args: string[]) {
  const run = await runCli(args, { env: { DATA_DIR: bot.dataDir } });
  expect(run.stdout + run.stderr).not.toContain(token);
  expect(run.stdout + run.stderr).not.toContain(discord.token);
  return run;
}

async function json<Value>(...args: string[]): Promise<Value> {
  const run = await cli(...args, '--json');
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
  return run.json()[0] as Value;
}

/** Of the clusters, in the order of their ids; they get ready in any. */
function pidsById(): number[] {
  return [...bot.clusterPids()].sort(([a], [b]) => a - b).map(([, pid]) => pid);
}

describe('looking', () => {
  it('status', async () => {
    // Clusters that have just become ready have not been asked for their numbers yet.
    await until(async () => (await json<AdminStatus>('status')).totals.guilds === 8);
    const { code, stdout, stderr } = await cli('status', '--check');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/2\/2 clusters · 4\/4 shards · (1 spare · |a spare loads · )?8 guilds/);
    const status = await json<AdminStatus>('status');
    expect(status.master.pid).toBe(bot.pid);
    expect(status.clusters.map(({ pid }) => pid)).toEqual(pidsById());
  });

  it('shards', async () => {
    expect((await cli('shards')).stdout.match(/^ +\d+ +\d+ +ready/gm)).toHaveLength(4);
    expect(await json('shards', '1')).toMatchObject([{ clusterId: 1, state: 'ready' }, { clusterId: 1 }]);
  });

  it('find', async () => {
    const id = discord.guildIds[0] ?? '';
    expect(await json('find', 'guild', id)).toMatchObject({ guild: { id } });
    expect((await cli('find', 'guild', '99999999999999999')).code).toBe(1);
  });

  it('eval', async () => {
    expect((await cli('eval', 'process.pid')).stdout).toBe(`${bot.pid}\n`);
    const pids = await json<{ results: { output: string }[] }>('eval', 'process.pid', '--target', 'all');
    expect(pids.results.map(({ output }) => Number(output))).toEqual(pidsById());
    expect((await cli('eval', 'throw new Error("no")', '--target', '1')).code).toBe(1);
  });

  it('logs and loglevel', async () => {
    expect((await cli('logs')).stdout).toMatch(/ready: all/);
    const run = await cli('logs', 'master', '--lines', '3', '--json');
    expect((run.json() as LogLine[]).map(({ clusterId }) => clusterId)).toEqual([null, null, null]);
    const following = new CliRun(['logs', '1', '--follow', '--lines', '0'], { env: { DATA_DIR: bot.dataDir } });
    expect((await cli('loglevel', 'debug', '1')).stdout).toBe('Log level debug: cluster 1\n');
    await discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] ?? '' }).answered;
    expect((await cli('loglevel', 'info')).stdout).toBe('Log level info: the master and clusters 0, 1\n');
    following.signal('SIGINT');
    expect(await following.ended()).toBe(0);
  });

  it('doctor knows the running master', async () => {
    const run = await runCli(['doctor', '--json'], {
      env: { DATA_DIR: bot.dataDir, DISCORD_TOKEN: discord.token, DISCORD_API_URL: discord.url },
    });
    expect(run.code).toBe(0);
    const [{ findings } = { findings: [] }] = run.json() as { findings: { name: string; text: string }[] }[];
    expect(findings.find(({ name }) => name === 'master')?.text).toContain(`pid ${bot.pid} runs on`);
    expect(findings.find(({ name }) => name === 'ADMIN_PORT')?.text).toContain(`the running master (pid ${bot.pid})`);
  });

  it('a wrong token ends with 4', async () => {
    const run = await runCli(['status'], {
      env: { DATA_DIR: bot.dataDir, KALLISTI_ADMIN_TOKEN: 'a-wrong-token-of-some-length' },
    });
    expect(run.code).toBe(4);
    expect(run.stderr.trim().split('\n')).toHaveLength(1);
  });
});

it('restart rolls every cluster without an IDENTIFY and says so', async () => {
  const before = discord.account.summary().identifies;
  const { code, stdout, stderr } = await cli('restart');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^replaced cluster 0 in .*: paused \d+\/\d+ ms, \d+ events replayed, 0 IDENTIFYs$/m);
  expect(stdout).toMatch(
    /Restarted 2 of 2 clusters in .*; longest pause of a shard \d+ms, \d+ events replayed, 0 IDENTIFYs\n$/,
  );
  expect((await json<AdminStatus>('status')).clusters.map(({ generation }) => generation)).toEqual([2, 2]);
  expect(discord.account.summary().identifies).toEqual(before);
});

it('restart of one cluster is one object with --json', async () => {
  const restart = await json<RestartStatus>('restart', '1');
  expect(restart).toMatchObject({ outcome: 'done', clusters: [{ clusterId: 1, state: 'replaced' }] });
});

it('restart of a cluster that there is not ends with 4 and says why', async () => {
  const { code, stderr } = await cli('restart', '9');
  expect(code).toBe(4);
  expect(stderr).toMatch(/9/);
});

describe('upgrade', () => {
  it('brings a new master, which rolls the clusters of the old one', async () => {
    const before = await json<AdminStatus>('status');
    const { code, stdout, stderr } = await cli('upgrade');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^New master: pid \\d+, version .* \\(before: pid ${before.master.pid}, `));
    expect(stdout).toMatch(/Restarted 2 of 2 clusters/);
    const after = await json<AdminStatus>('status');
    expect(after.master.pid).not.toBe(before.master.pid);
    for (const { pid } of before.clusters) expect(isAlive(pid ?? 0)).toBe(false);
  });

  it('whose new master does not start ends with 1, says why, and the bot serves on', async () => {
    const before = await json<AdminStatus>('status');
    const file = bot.write('.env', 'HUNG_AFTER=soon');
    const { code, stderr } = await cli('upgrade');
    rmSync(file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The upgrade failed: /);
    const after = await json<AdminStatus>('status');
    expect(after.clusters.map(({ pid }) => pid)).toEqual(before.clusters.map(({ pid }) => pid));
    expect((await discord.runCommand({ name: 'ping', guildId: discord.guildIds[0] ?? '' }).answered).content).toMatch(
      /pong/,
    );
  });

  it('does so again from a master that came by an upgrade', async () => {
    const before = await json<AdminStatus>('status');
    expect((await cli('upgrade', '--json')).json()).toMatchObject([{ outcome: 'done' }]);
    expect((await json<AdminStatus>('status')).master.pid).not.toBe(before.master.pid);
  });
});

it('stop ends the whole bot with 0, and then nobody answers', async () => {
  const { code, stdout, stderr } = await cli('stop');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Stopped \(pid \d+\) in /);
  expect(await bot.ended()).toEqual({ code: 0, signal: null });
  expect(bot.processes()).toEqual([]);
  const after = await cli('status');
  expect(after.code).toBe(3);
  expect(after.stderr).toMatch(/^kallisti: no master runs on DATA_DIR=[^\n]+\n$/);
  expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0 });
});
