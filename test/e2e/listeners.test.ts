import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SentMessage, Simulator, type SimulatorOptions } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { fixture } from '../support/runScript.js';
import { Bot } from './Bot.js';
import { expectServed, guildOn } from './users.js';

/** What a bot's own listeners do is finished, or done again, whatever becomes of their process; and nobody sees it twice. */
const PROGRAM = fixture('bot/listeners/master.js');
const SHARDS = 2;
let discord: Simulator;
let bot: Bot;

async function start(options: Partial<SimulatorOptions> = {}, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const limits = {
    identifyIntervalMs: 200,
    maxConcurrency: 2,
    interactionDeadlineMs: 20_000,
    rateLimits: false as const,
  };
  discord = new Simulator({ guildCount: 16, shardCount: SHARDS, ...limits, ...options });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '1', IDENTIFY_INTERVAL: '200ms', ...env }, PROGRAM).start();
  await bot.untilReady();
}

const pidOf = (): number => bot.clusterPids().get(0) ?? 0;
const say = (content: string, shardId = 0): SentMessage =>
  discord.sendMessage({ guildId: guildOn(discord, shardId), content });
const repliesTo = ({ entry }: SentMessage): string[] => entry.replies.map(({ content }) => content);
const delivered = (...messages: SentMessage[]) =>
  until(() => messages.every(({ entry }) => entry.deliveries.length > 0));

async function kill(): Promise<void> {
  const pid = pidOf();
  process.kill(pid, 'SIGKILL');
  await until(() => pidOf() !== pid && pidOf() !== 0);
}

/** Waits until each message has as many replies, and then whether another one comes. */
async function expectReplies(...expected: (readonly [SentMessage, ...string[]])[]): Promise<void> {
  await until(() => expected.every(([message, ...replies]) => repliesTo(message).length >= replies.length));
  await sleep(1_000);
  expect(expected.map(([message]) => repliesTo(message))).toEqual(expected.map(([, ...replies]) => replies));
}

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

describe('a kill -9 in the middle of listeners', () => {
  beforeEach(() => start());

  it('has all of their work done again by the next process, and seen once', async () => {
    const think = say('!think a');
    const twice = say('!twice b', 1);
    const held = say('!hold c');
    const attempt = say('!attempt');
    const once = say('!once');
    await until(() => repliesTo(twice).length === 1);
    await delivered(think, held, attempt, once);
    // It has to be written down: what was not, Discord repeats by itself.
    await sleep(250);
    await kill();
    await expectReplies(
      ...[[think, 'thought about a'] as const, [held, 'held c'] as const, [attempt, 'attempt 2'] as const],
      ...[[twice, 'first b', 'second b'] as const, [once] as const],
    );
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, violations: 0, overlaps: 0 });
  });

  it('does not lose what had not been written down', async () => {
    const message = say('!think a');
    await delivered(message);
    await kill();
    await expectReplies([message, 'thought about a']);
  });

  it('has interactions answered once: buttons, commands that were deferred and such that were not', async () => {
    const guildId = guildOn(discord, 0);
    const offered = await discord.runCommand({ name: 'apple', guildId }).answered;
    const pressed = discord.pressComponent({ customId: 'apple', messageId: offered.message?.id ?? '', guildId });
    const apple = discord.runCommand({ name: 'apple', guildId });
    const late = discord.runCommand({ name: 'late', guildId });
    await until(() => late.entry.acknowledgedAt !== null);
    await sleep(250);
    await kill();
    expect((await pressed.answered).content).toBe('pressed');
    expect((await apple.answered).content).toBe('To the fairest.');
    expect((await late.answered).content).toBe('late answer');
    await until(() => late.entry.responses.some(({ content }) => content === 'follow-up'));
    await sleep(500);
    expect(late.entry.responses.filter(({ accepted, content }) => accepted && content === 'follow-up')).toHaveLength(1);
    expect(discord.account.summary().violations).toBe(0);
  });
});

describe('unfinished work is our own record', () => {
  it('and not the replay of a Discord that forgets what a heartbeat has acknowledged', async () => {
    await start({ trimReplayOnHeartbeat: true, heartbeatIntervalMs: 300 });
    const old = Array.from({ length: 5 }, (_, index) => say(`!think ${index}`));
    const never = say('!never');
    await delivered(never, ...old);
    await until(() => old.every((message) => repliesTo(message).length === 1));
    // Heartbeats have acknowledged it long ago.
    await sleep(1_500);
    const attempt = say('!attempt');
    await delivered(attempt);
    await sleep(250);
    await kill();
    await expectReplies(
      [attempt, 'attempt 2'],
      [never],
      ...old.map((message, index) => [message, `thought about ${index}`] as const),
    );
    const { identifies, resumes } = discord.account.summary();
    expect([identifies, resumes]).toEqual([SHARDS, SHARDS]);
  });

  it('and outlives the session', async () => {
    await start();
    const message = say('!think a');
    await delivered(message);
    await sleep(250);
    discord.faults.refuseResume(0);
    await kill();
    await expectReplies([message, 'thought about a']);
  });
});

describe('a planned end', () => {
  it('of one process finishes there what it has begun, and its timers stop when it has given its shards away', async () => {
    await start();
    const old = pidOf();
    const messages = Array.from({ length: 20 }, (_, index) => say(`!think ${index}`, index % SHARDS));
    const attempt = say('!attempt');
    await delivered(attempt, ...messages);
    discord.runCommand({ name: 'restart', guildId: guildOn(discord, 0), userId: discord.ownerId });
    await bot.untilLogged(/^rolling restart done/);
    await expectReplies(
      [attempt, 'attempt 1'],
      ...messages.map((message, index) => [message, `thought about ${index}`] as const),
    );
    const owners = bot.lines
      .filter(({ msg }) => msg === 'owned' || msg === 'not owned')
      .map(({ msg, pid }) => [msg, pid]);
    expect(owners).toEqual([
      ['owned', old],
      ['not owned', old],
      ['owned', pidOf()],
    ]);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, violations: 0, overlaps: 0 });
  });

  it('of the whole bot leaves to the next start what does not end in time', async () => {
    await start({}, { DRAIN_TIMEOUT: '600ms' });
    const messages = Array.from({ length: 5 }, (_, index) => say(`!twice ${index}`));
    await until(() => messages.every((message) => repliesTo(message).length === 1));
    bot.signal('SIGTERM');
    await bot.ended();
    const from = bot.lines.length;
    bot.start();
    await bot.untilLogged(/^ready: all/, from);
    await expectReplies(...messages.map((message, index) => [message, `first ${index}`, `second ${index}`] as const));
    expect(discord.account.summary().identifies).toBe(SHARDS);
  });
});

describe.each(['a stop and a start', 'a rolling restart'])('%s while answers wait for a rate limit', (what) => {
  it('does again what the end of the client has cut off', async () => {
    const rateLimits = { 'POST /channels/:channelId/messages': { limit: 1, windowMs: 3_000 } };
    await start({ rateLimits }, { DRAIN_TIMEOUT: '1500ms' });
    const messages = Array.from({ length: 4 }, (_, index) => say(`!think ${index}`));
    await until(() => messages.some((message) => repliesTo(message).length === 1));
    const from = bot.lines.length;
    if (what === 'a rolling restart') {
      discord.runCommand({ name: 'restart', guildId: guildOn(discord, 1), userId: discord.ownerId });
      await bot.untilLogged(/^rolling restart done/, from);
    } else {
      bot.signal('SIGTERM');
      await bot.ended();
      bot.start();
      await bot.untilLogged(/^ready: all/, from);
    }
    await expectReplies(...messages.map((message, index) => [message, `thought about ${index}`] as const));
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0 });
  });
});

describe('a listener that ends its process', () => {
  it.each(['!exit', '!block'])('costs one process (%s), and what waited beside it is done', async (content) => {
    await start({}, { HUNG_AFTER: '2s' });
    const before = pidOf();
    const poison = say(content);
    await delivered(poison);
    if (content === '!block') await sleep(250);
    const beside = say('!think beside', 1);
    await until(() => pidOf() !== before && pidOf() !== 0);
    const after = pidOf();
    await expectReplies([beside, 'thought about beside']);
    await expectServed(discord, 0);
    await sleep(2_500);
    expect(pidOf()).toBe(after);
    await bot.untilLogged(/^MESSAGE_CREATE \d+ stopped process \d+/);
  });
});
