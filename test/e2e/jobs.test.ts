import { afterEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { fixture } from '../support/runScript.js';
import { Bot, type LogLine } from './Bot.js';
import { expectServed, guildOn } from './users.js';

/** Each due time of a job has one run on one cluster, whatever becomes of the processes; and Discord sees it once. */
const PROGRAM = fixture('bot/jobs/master.js');
const SHARDS = 2;
let discord: Simulator;
let bot: Bot;
let channelId: string;
/** The messages in the jobs' channel, by id. */
let seen: Map<string, string>;

async function start(job: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  discord = new Simulator({
    ...{ guildCount: 16, shardCount: SHARDS, identifyIntervalMs: 200, maxConcurrency: 2 },
    ...{ interactionDeadlineMs: 20_000, rateLimits: false, globalRequestsPerSecond: Number.POSITIVE_INFINITY },
  });
  await discord.start();
  channelId = await textChannel();
  seen = new Map();
  const settings = { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms', TEST_CHANNEL: channelId, TEST_JOB: job };
  bot = Bot.for(discord, { ...settings, ...env }, PROGRAM).start();
  await bot.untilReady();
}

async function read<T>(path: string): Promise<T> {
  const response = await fetch(`${discord.url}/v10${path}`, { headers: { authorization: `Bot ${discord.token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

async function textChannel(): Promise<string> {
  const channels = await read<{ id: string; type: number }[]>(`/guilds/${guildOn(discord, 0)}/channels`);
  return channels.find(({ type }) => type === 0)?.id ?? '';
}

/** What Discord shows in the jobs' channel, oldest first: more than it shows at once, if it was looked at before. */
async function messages(): Promise<string[]> {
  const found = await read<{ id: string; content: string }[]>(`/channels/${channelId}/messages?limit=100`);
  for (const { id, content } of found.reverse()) seen.set(id, content);
  return [...seen.values()];
}

async function dueTimes(kind: string): Promise<number[]> {
  return (await messages()).filter((text) => text.startsWith(`${kind} `)).map((text) => Number(text.split(' ')[1]));
}

const logged = (msg: string): LogLine[] => bot.lines.filter((line) => line.msg === msg);
const attemptsAt = (dueAt: number): unknown[] =>
  logged('tick')
    .filter((line) => line.dueAt === dueAt)
    .map(({ attempt, known }) => [attempt, known]);

/** Waits until a run begins, and has sent its first message. */
async function untilMidRun(): Promise<{ readonly dueAt: number; readonly pid: number }> {
  const before = await dueTimes('first');
  let dueAt: number | undefined;
  await until(async () => {
    dueAt = (await dueTimes('first')).find((other) => !before.includes(other));
    return dueAt !== undefined;
  });
  let pid: number | undefined;
  await until(() => {
    pid = logged('tick').findLast((line) => line.dueAt === dueAt)?.pid;
    return pid !== undefined;
  });
  return { dueAt: dueAt ?? Number.NaN, pid: pid ?? Number.NaN };
}

async function untilMoreRuns(count: number): Promise<void> {
  const { length } = await dueTimes('second');
  await until(async () => (await dueTimes('second')).length >= length + count);
}

/** Every due time was seen once, by its first and its second message, at times of the schedule and in order. */
async function expectEachOnce(): Promise<void> {
  let first: number[] = [];
  let second: number[] = [];
  await until(async () => {
    [first, second] = [await dueTimes('first'), await dueTimes('second')];
    return first.at(-1) === second.at(-1);
  });
  expect(second).toEqual(first);
  expect(first.toSorted((a, b) => a - b)).toEqual([...new Set(first)]);
  const start = first[0] ?? 0;
  expect(first.filter((dueAt) => (dueAt - start) % 1_000 !== 0)).toEqual([]);
}

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

describe('a job every second', () => {
  it('is seen once for each due time through a rolling restart, and every cluster has its share', async () => {
    await start('tick');
    await untilMoreRuns(2);
    await untilMidRun();
    discord.runCommand({ name: 'restart', guildId: guildOn(discord, 0), userId: discord.ownerId });
    await bot.untilLogged(/^rolling restart done/);
    await untilMoreRuns(3);
    await expectEachOnce();
    // What the old processes had begun ended there.
    expect(logged('tick').filter(({ attempt }) => attempt !== 1)).toEqual([]);
    expect(new Set(logged('tick').map(({ cluster }) => cluster))).toEqual(new Set([0, 1]));
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, violations: 0, overlaps: 0 });
  });

  it('is done again elsewhere where a kill -9 hits its process in the middle of a run', async () => {
    await start('tick');
    const { dueAt, pid } = await untilMidRun();
    process.kill(pid, 'SIGKILL');
    await until(async () => (await dueTimes('second')).includes(dueAt));
    await untilMoreRuns(2);
    await expectEachOnce();
    expect(attemptsAt(dueAt)).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(logged('tick').find(({ attempt }) => attempt === 2)?.pid).not.toBe(pid);
  });

  it('goes on where a kill -9 hits the master in the middle of a run, which is not given out again', async () => {
    await start('tick');
    await untilMoreRuns(1);
    const { dueAt } = await untilMidRun();
    bot.signal('SIGKILL');
    await bot.ended();
    await until(async () => (await dueTimes('second')).includes(dueAt));
    bot.start();
    await untilMoreRuns(3);
    await expectEachOnce();
    expect(attemptsAt(dueAt)).toEqual([[1, 1]]);
    expect(logged('tick').filter(({ attempt }) => attempt !== 1)).toEqual([]);
  });

  it('is waited for by a new master that finds a cluster at work on it', async () => {
    await start('endless', { LOG_LEVEL: 'debug' });
    await until(() => logged('endless').length === 1);
    bot.signal('SIGKILL');
    await bot.ended();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^took over 2 running clusters/, from);
    for (const shardId of [0, 1]) await expectServed(discord, shardId);
    // As many due times as it takes to see that none is given out: the run that goes on keeps them away.
    await until(() => bot.lines.slice(from).filter(({ msg }) => /^a run of a job is skipped/.test(msg)).length >= 2);
    expect(logged('endless')).toHaveLength(1);
  });

  it('makes up for the last due time only after a stop and a start', async () => {
    await start('tick');
    await untilMidRun();
    bot.signal('SIGTERM');
    expect((await bot.ended()).code).toBe(0);
    // The run that went on was finished by the process that stopped.
    await expectEachOnce();
    const before = await dueTimes('first');
    const last = before.at(-1) ?? 0;
    await until(() => Date.now() > last + 3_500);
    const startedAt = Date.now();
    bot.start();
    await until(async () => (await dueTimes('second')).length >= before.length + 3);
    await expectEachOnce();
    const first = (await dueTimes('first'))[before.length] ?? 0;
    // Two due times, at the least, were left out.
    expect(first - last).toBeGreaterThanOrEqual(3_000);
    expect(logged('tick').filter(({ attempt }) => attempt !== 1)).toEqual([]);
    expect(startedAt).toBeGreaterThan(last);
  });

  it('that does not end by DRAIN_TIMEOUT is told to, and begins again with the next start', async () => {
    await start('endless', { DRAIN_TIMEOUT: '900ms' });
    await until(async () => (await dueTimes('endless')).length === 1);
    bot.signal('SIGTERM');
    await bot.ended();
    const [run] = logged('endless');
    expect(logged('endless was told to end').map(({ dueAt }) => dueAt)).toEqual([run?.dueAt]);
    bot.start();
    await until(() => logged('endless').length === 2);
    expect(logged('endless').map(({ dueAt, attempt }) => [dueAt, attempt])).toEqual([
      [run?.dueAt, 1],
      [run?.dueAt, 2],
    ]);
    await until(() => Date.now() > (run?.dueAt as number) + 3_000);
    expect(await dueTimes('endless')).toEqual([run?.dueAt]);
  });

  it('that ends its process is given up after two of them, and the clusters serve on', async () => {
    await start('exit');
    const { dueAt } = await bot.untilLogged(/^job 'exit' is given up for this time: 2 processes ended/);
    expect(typeof dueAt).toBe('number');
    const { url, headers } = bot.adminApi();
    const metrics = await (await fetch(`${url}/metrics`, { headers })).text();
    expect(metrics).toMatch(/^kallisti_job_runs_total\{name="exit",outcome="given_up"\} \d+$/m);
  });
});
