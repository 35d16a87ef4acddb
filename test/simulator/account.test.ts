import { beforeEach, describe, expect, it } from 'vitest';
import { discord, pongBot, start, until } from './local.js';
import { RawGateway } from './RawGateway.js';

beforeEach(() => start());

describe('the account', () => {
  it('tells the story of each connection', async () => {
    const client = await RawGateway.login(discord, { shard: [1, 2] });
    const { sessionId } = client.session;
    await client.close(4901);
    const other = await client.resumeElsewhere(discord);
    await other.event('RESUMED');
    discord.faults.dropSocket(1, { code: 4009 });
    await other.closed;
    const { connections, ownerships } = discord.account.shard(1, 2);
    expect(connections).toMatchObject([
      { url: 'main', sessionId, closeCode: 4901, closedBy: 'client', received: 1, resumedAt: null },
      { url: 'resume', sessionId, closeCode: 4009, closedBy: 'server', received: 1, identifiedAt: null },
    ]);
    expect(ownerships).toMatchObject([{ connectionId: 'c1' }, { connectionId: 'c2' }]);
    const [first, second] = ownerships;
    expect(first?.to).toBeLessThanOrEqual(second?.from ?? 0);
    expect(discord.account.owners(1, 2, first?.from)).toMatchObject([{ connectionId: 'c1' }]);
    expect(discord.account.owners(1, 2)).toEqual([]);
  });

  it('is plain data', async () => {
    await pongBot();
    const [guildId = ''] = discord.guildIds;
    await discord.runCommand({ name: 'ping', guildId }).answered;
    discord.sendMessage({ content: 'hm', guildId });
    const copy = JSON.parse(JSON.stringify(discord.account));
    expect(copy.interactions).toEqual(discord.account.interactions);
    expect(copy.summary.commands).toMatchObject({ sent: 1, answeredOnce: 1 });
    expect(Object.keys(copy).sort()).toEqual([
      'connections',
      'identifies',
      'interactions',
      'messages',
      'ownerships',
      'resumes',
      'summary',
      'violations',
    ]);
  });

  it('counts what it no longer keeps in full', async () => {
    await discord.stop();
    await start({ accountLimit: 5 });
    await pongBot();
    const [guildId = ''] = discord.guildIds;
    for (let count = 0; count < 12; count++) await discord.runCommand({ name: 'ping', guildId }).answered;
    expect(discord.account.interactions).toHaveLength(5);
    expect(discord.account.summary().commands).toMatchObject({ sent: 12, answeredOnce: 12, failed: 0 });
  });

  it('knows mentions that were answered once, twice, or not at all', async () => {
    await discord.stop();
    await start({ interactionDeadlineMs: 20, rateLimits: false });
    const [guildId = ''] = discord.guildIds;
    const messages = [0, 1, 2].map(() => discord.sendMessage({ content: `<@${discord.botId}> hi`, guildId }));
    for (const [times, message] of messages.entries()) {
      for (let time = 0; time < times; time++) {
        await fetch(`${discord.url}/v10/channels/${discord.channelIdOf(guildId)}/messages`, {
          method: 'POST',
          headers: { authorization: `Bot ${discord.token}` },
          body: JSON.stringify({ content: 'hi', message_reference: { message_id: message.id } }),
        });
      }
    }
    await until(() => discord.account.summary().mentions.failed === 1, 'the unanswered one');
    expect(discord.account.summary().mentions).toMatchObject({ sent: 3, answeredOnce: 1, answeredTwice: 1, failed: 1 });
  });
});

describe('traffic', () => {
  it('comes at the rates asked for, to all guilds, and is answered', async () => {
    await pongBot();
    // What the machine makes of 200 a second just now: a busy one lets timers wait.
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    discord.traffic.start({ commandsPerSecond: 200, mentionsPerSecond: 50, messagesPerSecond: 50 });
    const from = performance.now();
    await until(() => performance.now() - from > 500, 'half a second');
    discord.traffic.stop();
    clearInterval(ticking);
    const seconds = (performance.now() - from) / 1_000;
    const { sent } = discord.account.summary().commands;
    expect(sent).toBeGreaterThan(ticks * 0.4);
    expect(sent / seconds).toBeLessThan(240);
    await until(() => discord.account.summary().commands.answeredOnce === sent, 'all answers');
    expect(new Set(discord.account.interactions.map(({ guildId }) => guildId)).size).toBe(4);
    expect(discord.account.summary().mentions.sent).toBeGreaterThan(5);
    const after = discord.account.interactions.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(discord.account.interactions).toHaveLength(after);
  });

  it('is the same sequence for the same seed', async () => {
    const sequence = async (seed: number) => {
      await discord.stop();
      await start({ seed });
      const client = await RawGateway.login(discord);
      discord.traffic.start({ commandsPerSecond: 1000, commands: [{ name: 'a' }, { name: 'b', options: { n: 1 } }] });
      await until(() => discord.account.interactions.length >= 20, 'twenty commands');
      discord.traffic.stop();
      await client.close();
      return discord.account.interactions.slice(0, 20).map(({ name, guildId, userId }) => [name, guildId, userId]);
    };
    const first = await sequence(5);
    expect(await sequence(5)).toEqual(first);
    expect(await sequence(6)).not.toEqual(first);
  });

  it('waits until the bot has been seen in a guild', async () => {
    discord.traffic.start({ commandsPerSecond: 1000 });
    const from = performance.now();
    await until(() => performance.now() - from > 60, 'a while');
    expect(discord.account.interactions).toEqual([]);
    await RawGateway.login(discord);
    await until(() => discord.account.interactions.length > 0, 'the first command');
  });
});
