import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SentMessage, Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { expectNothingLost, guildOn, settle } from './users.js';

/**
 * Bots as their authors write them, each with a command `apple`, its completions and its button, and a listener that answers
 * `!think` late.
 */
const CLIENTS = [
  { name: 'discord.js', entry: '../../examples/discordjs/master.js', guildCount: 'client.guilds.cache.size' },
  { name: 'dysnomia', entry: '../../examples/dysnomia/master.js', guildCount: 'client.guilds.size' },
  { name: 'eris', entry: '../../examples/eris/master.js', guildCount: 'client.guilds.size' },
  { name: 'oceanic.js', entry: '../../examples/oceanic/master.js', guildCount: 'client.guilds.size' },
];

const SHARDS = 4;
const GUILDS = 32;
let discord: Simulator;
let bot: Bot;

async function ask(name: string, options: Record<string, string> = {}): Promise<string> {
  const userId = discord.ownerId;
  return (await discord.runCommand({ name, options, guildId: guildOn(discord, 0), userId }).answered).content;
}

/** Has an apple looked for on each shard, offered, and taken: the bot's own completions, command and button. */
async function expectApples(): Promise<void> {
  for (let shardId = 0; shardId < SHARDS; shardId++) {
    const guildId = guildOn(discord, shardId);
    const typed = discord.autocomplete({ name: 'apple', options: { kind: 'g' }, focused: 'kind', guildId });
    expect((await typed.answered).body).toMatchObject({ data: { choices: [{ value: 'golden' }, { value: 'green' }] } });
    const options = { kind: 'green' };
    const { content, message } = await discord.runCommand({ name: 'apple', options, guildId }).answered;
    expect(content).toBe('A green apple, to the fairest.');
    const pressed = discord.pressComponent({ customId: 'apple', messageId: message?.id ?? '', guildId });
    expect((await pressed.answered).content).toMatch(/ has it\.$/);
  }
}

/** Users who ask the bot to think, `perSecond` of them, until they are stopped. */
function thinkers(perSecond: number) {
  const sent: SentMessage[] = [];
  let isStopped = false;
  const done = (async () => {
    for (; !isStopped; await sleep(1000 / perSecond)) {
      const guildId = discord.guildIds[sent.length % GUILDS] ?? '';
      sent.push(discord.sendMessage({ guildId, content: `!think ${sent.length}` }));
    }
  })();
  const stop = async (): Promise<void> => {
    isStopped = true;
    await done;
  };
  return { sent, stop };
}

const replies = ({ entry }: SentMessage): number => entry.replies.length;

describe.each(CLIENTS)('a bot on $name', ({ entry, guildCount }) => {
  beforeEach(async () => {
    // What is lost is never answered, however long one waits; the deadline is long so that a busy machine fails nothing.
    const limits = { identifyIntervalMs: 200, maxConcurrency: 2, interactionDeadlineMs: 20_000 };
    discord = new Simulator({ guildCount: GUILDS, shardCount: SHARDS, ...limits });
    await discord.start();
    const program = fileURLToPath(new URL(entry, import.meta.url));
    bot = Bot.for(discord, { CLUSTER_COUNT: '2', IDENTIFY_INTERVAL: '200ms' }, program).start();
    await bot.untilReady();
  });

  afterEach(async () => {
    await bot.dispose();
    await discord.stop();
  });

  it('has its caches, its own commands, and those of the framework', async () => {
    const [guildId = ''] = discord.guildIds;
    const guild = discord.guilds.get(guildId);
    await expectApples();
    expect(await ask('ping')).toContain('shard 0');
    expect(await ask('guild', { id: guildId })).toContain(`${guild.channels.length} channel`);
    expect(await ask('user', { id: discord.botId })).toContain(discord.botId);
    expect(await ask('stats')).toContain(`${GUILDS} guilds`);
    expect(await ask('shards')).toContain('ready');
    const counts = await ask('eval', { code: `'cached ' + ${guildCount}`, target: 'all' });
    const perCluster = [...counts.matchAll(/cached (\d+)/g)].map(([, count]) => Number(count));
    expect(perCluster).toHaveLength(2);
    expect(perCluster.reduce((sum, count) => sum + count, 0)).toBe(GUILDS);
    expect(discord.account.summary()).toMatchObject({ identifies: SHARDS, overlaps: 0, violations: 0 });
  });

  it('goes through a rolling restart and a kill without an IDENTIFY, and no command is lost or doubled', async () => {
    const old = new Map(bot.clusterPids());
    discord.traffic.start({ commandsPerSecond: 20, mentionsPerSecond: 10, messagesPerSecond: 20 });
    const users = thinkers(20);
    const restart = discord.runCommand({ name: 'restart', guildId: guildOn(discord, 3), userId: discord.ownerId });
    await bot.untilLogged(/^rolling restart done/);
    await until(() => restart.entry.responses.some(({ content }) => /^Restarted 2 of 2/.test(content ?? '')));
    for (const [id, pid] of old) expect(bot.clusterPids().get(id)).not.toBe(pid);
    const { commands: rolled, mentions: rolledMentions, ...roll } = discord.account.summary();
    expect(rolled).toMatchObject({ answeredTwice: 0, failed: 0 });
    expect(rolledMentions).toMatchObject({ answeredTwice: 0, failed: 0 });
    expect(roll).toMatchObject({ identifies: SHARDS, overlaps: 0, takeovers: 0, violations: 0 });

    const victim = bot.clusterPids().get(1) ?? 0;
    process.kill(victim, 'SIGKILL');
    await until(() => bot.clusterPids().get(1) !== victim);
    await until(() => users.sent.length >= 100);
    await users.stop();
    await settle(discord);

    const after = discord.guildIds.map((guildId) => discord.sendMessage({ guildId, content: '!think after' }));
    await until(() => after.every((message) => replies(message) === 1));
    await expectApples();
    expectNothingLost(discord, SHARDS, bot);
    const { violationsByKind } = discord.account.summary();
    // A command that was answered in the very moment of the kill is run again, and Discord refuses its second answer.
    expect(Object.keys(violationsByKind).filter((kind) => kind !== 'doubleAcknowledgement')).toEqual([]);

    // What a listener had begun when its process went away was done again, or to its end, and its user has seen it once.
    await until(() => users.sent.every((message) => replies(message) > 0));
    expect(users.sent.filter((message) => replies(message) > 1)).toEqual([]);
    expect(users.sent.every(({ entry }) => entry.deliveries.length > 0)).toBe(true);
  });
});
