import { expect } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import type { Bot } from './Bot.js';

/** @returns the id of a guild on this shard. */
export function guildOn(discord: Simulator, shardId: number): string {
  return discord.guildIdsOfShard(shardId, discord.options.shardCount)[0] ?? '';
}

/** Has a user run `ping` on each shard; that shard must answer. */
export async function expectAllServed(discord: Simulator): Promise<void> {
  for (let shardId = 0; shardId < discord.options.shardCount; shardId++) await expectServed(discord, shardId);
}

export async function expectServed(discord: Simulator, shardId: number): Promise<void> {
  const { content } = await discord.runCommand({ name: 'ping', guildId: guildOn(discord, shardId) }).answered;
  expect(content).toContain(`shard ${shardId}`);
}

/** Stops the traffic, then waits until each command and mention is answered or has failed. */
export async function settle(discord: Simulator): Promise<void> {
  discord.traffic.stop();
  await until(() => {
    const { commands, mentions } = discord.account.summary();
    return commands.pending === 0 && mentions.pending === 0;
  });
}

/**
 * All users were answered, no shard had two owners, and there were only so many IDENTIFYs. Default: one for each shard.
 *
 * @param bot where processes were killed. On a busy machine the next one may be later than the three seconds that the real Discord
 * waits, longer than the local one does here. It does not run a command then that nobody has acknowledged, and says so.
 */
export function expectNothingLost(discord: Simulator, identifies = discord.options.shardCount, bot?: Bot): void {
  const { commands, mentions, ...summary } = discord.account.summary();
  const late = bot === undefined ? new Set<string>() : tooLate(bot);
  const { interactions } = discord.account;
  const lost = interactions.filter(({ id, state }) => state === 'failed' && !late.has(id));
  expect(lost).toEqual([]);
  expect(commands.failed).toBeLessThanOrEqual(late.size);
  // Where Discord has any answer, it takes more for a quarter of an hour.
  expect(interactions.filter(({ id, acknowledgedAt }) => late.has(id) && acknowledgedAt !== null)).toEqual([]);
  expect(mentions.failed).toBe(0);
  expect(summary).toMatchObject({ identifies, overlaps: 0, takeovers: 0 });
}

/** @returns the ids of interactions that no process ran again, because Discord takes no answer to them any more. */
export function tooLate({ lines }: Pick<Bot, 'lines'>): ReadonlySet<string> {
  const found = lines.filter(({ msg }) => /^Unfinished work is not run again: Discord has waited/.test(msg ?? ''));
  return new Set(found.map(({ id }) => String(id)));
}

/** As `expectNothingLost`; besides, nobody was answered twice and no rule of Discord was broken. */
export function expectBalanced(discord: Simulator, identifies = discord.options.shardCount): void {
  expectNothingLost(discord, identifies);
  const { commands, mentions, violations } = discord.account.summary();
  expect(commands).toMatchObject({ answeredOnce: commands.sent, answeredTwice: 0 });
  expect(mentions).toMatchObject({ answeredOnce: mentions.sent, answeredTwice: 0 });
  expect(violations).toBe(0);
}
