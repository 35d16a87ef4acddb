import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { isAlive, until } from '../support/processes.js';
import { Bot } from './Bot.js';

const SHARDS = 2;
const TOTAL = 8;
let discord: Simulator;
let bot: Bot;

beforeEach(async () => {
  const limits = { identifyIntervalMs: 100, maxConcurrency: 2, sessionStartLimit: { total: TOTAL } };
  discord = new Simulator({ guildCount: 8, shardCount: SHARDS, ...limits });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '100ms' }).start();
  await bot.untilReady();
});

afterEach(async () => {
  await bot.dispose();
  await discord.stop();
});

/** Discord forgets these shards' sessions: they need new ones. A shard waits for up to 5 s before it asks for one. */
async function loseSessions(...shardIds: number[]): Promise<void> {
  const { identifies } = discord.account.summary();
  for (const shardId of shardIds) discord.faults.invalidateSession(shardId);
  await until(() => discord.account.summary().identifies === identifies + shardIds.length);
  await until(() => shardIds.every((shardId) => discord.account.owners(shardId, SHARDS).length === 1));
}

/** @returns where the log of the new master begins. */
async function replaceMaster(whileItIsDown: () => void = () => undefined): Promise<number> {
  bot.signal('SIGKILL');
  await bot.ended();
  whileItIsDown();
  const from = bot.lines.length;
  bot.start();
  await bot.untilLogged(/^took over 2 running clusters/, from);
  return from;
}

function tokenResets(): number {
  return discord.account.violations.filter(({ kind }) => kind === 'tokenReset').length;
}

describe('a master that takes over', () => {
  it('goes on counting where the killed one was, though Discord cannot be asked, and never resets the token', async () => {
    for (let lost = 0; lost < 2; lost++) await loseSessions(0, 1);
    discord.faults.failRest({ route: '/gateway/bot', status: 503 });
    const from = await replaceMaster();
    await loseSessions(0, 1);
    // All 8 are used. One more would reset the token.
    discord.faults.invalidateSession(0);
    await bot.untilLogged(/^the identify budget is spent/, from);
    expect(discord.account.summary()).toMatchObject({ identifies: TOTAL, sessionStartsRemaining: 0 });
    expect(tokenResets()).toBe(0);
    // The failed question is said, and tried again.
    await bot.untilLogged(/cannot ask Discord for the identify budget.*trying again/, from);
    // The new window is noticed as soon as Discord can say so.
    discord.faults.limitSessionStarts({ remaining: TOTAL, resetAfterMs: 2 * 86_400_000 });
    discord.faults.clear();
    await until(() => discord.account.owners(0, SHARDS).length === 1);
    expect(tokenResets()).toBe(0);
  });

  it('asks Discord in the background, and believes it where others have spent more', async () => {
    const pids = [...bot.clusterPids().values()];
    const from = await replaceMaster(() => discord.faults.limitSessionStarts({ remaining: 1 }));
    const budget = (): { readonly remaining: number } =>
      JSON.parse(readFileSync(join(bot.dataDir, 'identify.json'), 'utf8')) as { readonly remaining: number };
    await until(() => budget().remaining === 1);
    await loseSessions(0);
    discord.faults.invalidateSession(1);
    await bot.untilLogged(/^the identify budget is spent/, from);
    expect(tokenResets()).toBe(0);
    expect(pids.every(isAlive)).toBe(true);
  });

  it.each([
    ['is missing', (path: string): void => rmSync(path)],
    ['is damaged', (path: string): void => writeFileSync(path, '{"version":1,"remaining":')],
  ])('identifies nothing before Discord has answered where identify.json %s', async (_how, damage) => {
    discord.faults.failRest({ route: '/gateway/bot', status: 503 });
    const from = await replaceMaster(() => damage(join(bot.dataDir, 'identify.json')));
    const { identifies } = discord.account.summary();
    discord.faults.invalidateSession(0);
    await bot.untilLogged(/^the identify budget is not known/, from);
    // A lost connection needs no slot: it resumes.
    discord.faults.dropSocket(1, { terminate: true });
    await until(() => discord.account.summary().resumes === 1);
    await bot.untilLogged(/cannot ask Discord for the identify budget.*trying again/, from);
    expect(discord.account.summary().identifies).toBe(identifies);
    discord.faults.clear();
    await until(() => discord.account.owners(0, SHARDS).length === 1);
    expect(discord.account.summary()).toMatchObject({ identifies: identifies + 1, violations: 0 });
  });
});
