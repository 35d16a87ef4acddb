import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AdminStatus, LogLine } from '../../src/core/contracts/AdminApi.js';
import { Simulator } from '../../src/simulator/index.js';
import { runCli } from '../cli/CliRun.js';
import { isAlive, until } from '../support/processes.js';
import { fixture } from '../support/runScript.js';
import { Bot } from './Bot.js';

/*
 * The bot of the README, whose author has written its two programs: the command line does with it what it does with the bot
 * that comes with the project.
 */

const MASTER = new URL('../../dist/master/index.js', import.meta.url).href;
let discord: Simulator;
let bot: Bot;
/** Not the folder of the bot's programs, and not the one in which it runs. */
let elsewhere: string;

beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'kallisti-start-'));
});

afterAll(() => rmSync(elsewhere, { recursive: true }));

beforeEach(async () => {
  discord = new Simulator({ guildCount: 8, shardCount: 4, identifyIntervalMs: 100, maxConcurrency: 4 });
  await discord.start();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

async function start(entry: string): Promise<void> {
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms' }, entry).start();
  await bot.untilReady();
}

/** Of the bot's processes, those that run this program. */
function programPids(name: string): number[] {
  return bot.processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .some((part) => basename(part) === name);
    } catch {
      // It ended while we looked.
      return false;
    }
  });
}

/** A master's program of its own folder, with these options beside where the clusters' program is. */
function writeProgram(name: string, options: string): string {
  const program = join(elsewhere, name);
  const cluster = JSON.stringify(fixture('readme/cluster.js'));
  writeFileSync(
    program,
    `import { runMaster } from ${JSON.stringify(MASTER)};\nawait runMaster({ cluster: ${cluster}, ${options} });\n`,
  );
  return program;
}

async function cli(...args: string[]) {
  return await runCli(args, { env: { DATA_DIR: bot.dataDir } });
}

async function json<Value>(...args: string[]): Promise<Value> {
  return (await cli(...args, '--json')).json()[0] as Value;
}

async function expectUpgraded(): Promise<void> {
  const before = await json<AdminStatus>('status');
  const { code, stderr } = await cli('upgrade');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const after = await json<AdminStatus>('status');
  expect(after.master.pid).not.toBe(before.master.pid);
  expect(after.clusters.map(({ state }) => state)).toEqual(['ready', 'ready']);
  for (const { pid } of before.clusters) expect(isAlive(pid ?? 0)).toBe(false);
}

async function expectServed(): Promise<void> {
  const options = { name: 'Eris' };
  for (const guildId of discord.guildIds) {
    const { content } = await discord.runCommand({ name: 'hello', options, guildId }).answered;
    expect(content).toMatch(/^Hello Eris, from cluster/);
  }
}

async function expectStopped(): Promise<void> {
  const { code, stderr } = await cli('stop');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await bot.ended()).toEqual({ code: 0, signal: null });
  expect(bot.stderr).toBe('');
  expect(bot.processes()).toEqual([]);
  expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0, commands: { answeredTwice: 0 } });
}

describe("the README's own master", () => {
  it('shows its own lines in `kallisti logs`', async () => {
    await start(fixture('readme/master.js'));
    const lines = (await cli('logs', 'master', '--json')).json() as LogLine[];
    expect(lines.map(({ text }) => text).join()).toMatch(/ready: all 4 shards/);
  });

  it('is ended in order by `kallisti stop`', async () => {
    await start(fixture('readme/master.js'));
    await expectStopped();
  });

  it('is replaced by `kallisti upgrade`, twice, and serves on without a login', async () => {
    await start(fixture('readme/master.js'));
    const { identifies } = discord.account.summary();
    await expectUpgraded();
    await expectServed();
    await expectUpgraded();
    await expectServed();
    expect(discord.account.summary().identifies).toEqual(identifies);
    await expectStopped();
  });

  it('runs, and is upgraded, where another program in another folder imports it', async () => {
    const program = join(elsewhere, 'start.mjs');
    writeFileSync(program, `import ${JSON.stringify(pathToFileURL(fixture('readme/master.js')).href)};\n`);
    await start(program);
    await expectServed();
    await expectUpgraded();
    await expectServed();
    await expectStopped();
  });

  it('has its own parts stopped with it, and started anew by an upgrade', async () => {
    await start(fixture('readme/masterWithImages.js'));
    const workers = programPids('image.js');
    expect(workers).toHaveLength(2);
    await expectUpgraded();
    for (const pid of workers) expect(isAlive(pid)).toBe(false);
    expect(programPids('image.js')).toHaveLength(2);
    await expectServed();
    await expectStopped();
  });

  it('whose new code fails in its own parts leaves the clusters to the old one, which goes on', async () => {
    const program = writeProgram('parts.mjs', '');
    await start(program);
    const pids = new Map(bot.clusterPids());
    writeProgram('parts.mjs', `setUp() { throw new Error('no such part'); },`);
    bot.signal('SIGUSR2');
    await bot.untilLogged(/^the new master did not start \(exited with code 1\); the old one goes on$/);
    await bot.untilLogged(
      /^took over 2/,
      bot.lines.findIndex(({ msg }) => msg.includes('the old one goes on')),
    );
    expect(bot.stderr).toMatch(/^Error: no such part$/m);
    for (const pid of pids.values()) expect(isAlive(pid)).toBe(true);
    await expectServed();
    bot.stderr = '';
    await expectStopped();
  });
});

describe('a master that does not say where the program of its clusters is', () => {
  it.each(['bot/master.js', 'bot/master', 'bot'])('finds it beside itself, started as `node %s`', async (name) => {
    mkdirSync(join(elsewhere, 'bot'), { recursive: true });
    writeFileSync(join(elsewhere, 'bot/package.json'), '{"type":"module","main":"master.js"}');
    writeFileSync(join(elsewhere, 'bot/master.js'), `import { runMaster } from '${MASTER}';\nawait runMaster();\n`);
    const cluster = pathToFileURL(fixture('readme/cluster.js')).href;
    writeFileSync(join(elsewhere, 'bot/cluster.js'), `import '${cluster}';\n`);
    await start(join(elsewhere, name));
    await expectServed();
    await expectStopped();
  });
});

describe('a stop in the middle of an upgrade ends everything in order, with 0', () => {
  async function expectEndedInOrder(): Promise<void> {
    expect(await bot.ended()).toEqual({ code: 0, signal: null });
    expect(bot.stderr).toBe('');
    expect(bot.processes()).toEqual([]);
    // In order: every session was closed so that it can be resumed, and the next start spends no login.
    const { identifies } = discord.account.summary();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await expectServed();
    expect(discord.account.summary()).toMatchObject({ identifies, overlaps: 0, violations: 0 });
  }

  it('right after it was asked for', async () => {
    await start(fixture('readme/master.js'));
    bot.signal('SIGUSR2');
    await bot.untilLogged(/^SIGUSR2: upgrading/);
    bot.signal('SIGTERM');
    await expectEndedInOrder();
  });

  it('while the new master starts', async () => {
    await start(fixture('readme/master.js'));
    const before = programPids('master.js');
    bot.signal('SIGUSR2');
    await until(() => programPids('master.js').length > before.length);
    bot.signal('SIGTERM');
    await expectEndedInOrder();
  });
});
