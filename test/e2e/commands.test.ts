import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Interaction, Simulator } from '../../src/simulator/index.js';
import { until } from '../support/processes.js';
import { Bot } from './Bot.js';
import { guildOn } from './users.js';

const SHARDS = 6;
let discord: Simulator;
let bot: Bot;

beforeAll(async () => {
  discord = new Simulator({ guildCount: 48, shardCount: SHARDS, identifyIntervalMs: 50, maxConcurrency: 2 });
  await discord.start();
  bot = Bot.for(discord, { CLUSTER_COUNT: '3', IDENTIFY_INTERVAL: '50ms' }).start();
  await bot.untilReady();
});

afterAll(async () => {
  await bot.dispose();
  await discord.stop();
});

function run(name: string, options: Record<string, string | number> = {}, userId?: string): Interaction {
  const guildId = guildOn(discord, 0);
  return discord.runCommand({ name, options, guildId, userId: userId ?? discord.memberIdOf(guildId, 1) });
}

/** The last text that the user sees. */
async function text(interaction: Interaction): Promise<string> {
  await interaction.answered;
  return interaction.entry.responses.findLast(({ content, accepted }) => content !== null && accepted)?.content ?? '';
}

const owner = (name: string, options: Record<string, string | number> = {}): Interaction =>
  run(name, options, discord.ownerId);

describe('what one cluster asks of all', () => {
  it('finds a guild on whatever cluster has it, and says where', async () => {
    for (const shardId of [0, 3, 5]) {
      const answer = await text(run('guild', { id: guildOn(discord, shardId) }));
      expect(answer).toContain(guildOn(discord, shardId));
      expect(answer).toMatch(new RegExp(`cluster ${Math.floor(shardId / 2)}`));
    }
    expect(await text(run('guild', { id: '123456789012345678' }))).toMatch(/^No cluster of this bot has guild/);
    expect(await text(run('guild', { id: 'nonsense' }))).toMatch(/nonsense|id/);
  });

  it('finds a user that only another cluster knows', async () => {
    const userId = discord.memberIdOf(guildOn(discord, 5), 1);
    expect(await text(run('user', { id: userId }))).toContain(userId);
    expect(await text(run('user', { id: '123456789012345678' }))).toMatch(/^No cluster of this bot has seen user/);
  });

  it('shows every shard and the whole fleet', async () => {
    const shards = await text(run('shards'));
    for (let shardId = 0; shardId < SHARDS; shardId++) expect(shards).toMatch(new RegExp(`\\b${shardId}\\b.*ready`));
    expect(await text(run('shards', { cluster: 1 }))).not.toMatch(/cluster 2/);
    const stats = await text(run('stats'));
    expect(stats).toMatch(/48/);
    expect(stats).toMatch(/3/);
  });

  it('evaluates here, on one cluster, on all, and in the master; shows values and errors, and never the token', async () => {
    expect(await text(owner('eval', { code: '1 + 1' }))).toMatch(/2/);
    expect(await text(owner('eval', { code: 'cluster.clusterId', target: 'cluster 2' }))).toMatch(/cluster 2/);
    const all = await text(owner('eval', { code: 'client.guilds.size', target: 'all' }));
    for (const id of [0, 1, 2]) expect(all).toMatch(new RegExp(`cluster ${id}`));
    expect(await text(owner('eval', { code: 'process.pid', target: 'master' }))).toContain(String(bot.pid));
    expect(await text(owner('eval', { code: 'throw new TypeError("no")', target: 'all' }))).toMatch(/TypeError: no/);
    const stolen = await text(
      owner('eval', { code: 'JSON.stringify([client._token, client.options])', target: 'all' }),
    );
    expect(stolen).not.toContain(discord.token);
    expect(stolen).toMatch(/redacted/);
    expect(await text(owner('eval', { code: '"x".repeat(100000)', target: 'all' }))).toMatch(/^[\s\S]{100,2000}$/);
  });

  it('changes the log level of every process', async () => {
    expect(await text(owner('loglevel', { level: 'debug' }))).toMatch(/debug/);
    const from = bot.lines.length;
    await text(run('ping'));
    await until(() => bot.lines.slice(from).some(({ level, msg }) => level === 20 && msg === 'command ended'));
    await text(owner('loglevel', { level: 'info' }));
  });

  it.each(['eval', 'restart', 'loglevel'])('refuses %s to anybody else, and only they see it', async (name) => {
    const required: Record<string, Record<string, string>> = { eval: { code: '1' }, loglevel: { level: 'debug' } };
    const answer = await run(name, required[name]).answered;
    expect(answer.ephemeral).toBe(true);
    expect(answer.content).toMatch(/owner/i);
  });
});

describe('mentions', () => {
  const say = (content: string, userId?: string) => {
    const guildId = guildOn(discord, 2);
    const author = userId ?? discord.memberIdOf(guildId, 1);
    return discord.sendMessage({ guildId, content: `<@${discord.botId}> ${content}`, userId: author });
  };

  it('are answered by a reply to the message, on the shard that has the guild, where they begin with a command', async () => {
    expect((await say('ping').answered).content).toMatch(/pong[\s\S]*shard 2/);
    expect((await say(`guild ${guildOn(discord, 4)}`).answered).content).toContain(guildOn(discord, 4));
    const talk = say('dance with me');
    expect((await say('eval target:all 6 * 7', discord.ownerId).answered).content).toMatch(/42/);
    expect(talk.entry.replies).toEqual([]);
  });
});

it('breaks none of the rules of Discord in all of this', () => {
  expect(discord.account.summary()).toMatchObject({ violations: 0, overlaps: 0, commands: { answeredTwice: 0 } });
});
