import https from 'node:https';
import net from 'node:net';
import { Client, type ClientOptions, CommandInteraction } from 'eris';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discord, next, start, until } from './local.js';

/** An https agent whose sockets are plain: how a stock eris talks to http (it has no switch for it). */
class PlainAgent extends https.Agent {
  readonly #port: number;

  constructor(port: number) {
    super({ keepAlive: true });
    this.#port = port;
  }

  override createConnection(): net.Socket {
    return net.connect({ host: '127.0.0.1', port: this.#port });
  }
}

function erisClient(options: Partial<ClientOptions> = {}): Client {
  const agent = new PlainAgent(Number(new URL(discord.url).port));
  const client = new Client(`Bot ${discord.token}`, {
    intents: ['guilds', 'guildMessages'],
    rest: { agent },
    ...options,
  });
  // Without a listener an 'error' of eris ends the process.
  client.on('error', () => undefined);
  return client;
}

describe('an unmodified eris client', () => {
  let client: Client;

  beforeEach(async () => {
    await start({ guildCount: 12, shardCount: 2, maxConcurrency: 2, identifyIntervalMs: 50 });
    client = erisClient({ maxShards: 'auto' });
  });

  afterEach(async () => {
    client.disconnect({ reconnect: false });
  });

  async function login(): Promise<void> {
    const ready = next(client, 'ready');
    await client.connect();
    await ready;
  }

  it('logs in with the recommended shards and has every guild cached as it is', async () => {
    await login();
    expect(client.shards.size).toBe(2);
    expect(client.user.id).toBe(discord.botId);
    expect(client.application?.id).toBe(discord.applicationId);
    expect(client.guilds.size).toBe(12);
    for (const id of discord.guildIds) {
      const truth = discord.guilds.get(id);
      const cached = client.guilds.get(id);
      expect(cached?.name).toBe(truth.name);
      expect(cached?.channels.size).toBe(truth.channels.length);
      expect(cached?.threads.size).toBe(truth.threads.length);
      expect(cached?.roles.size).toBe(truth.roles.length);
    }
    expect(discord.account.summary()).toMatchObject({ identifies: 2, violations: 0, overlaps: 0 });
  });

  it('registers commands and answers them', async () => {
    client.on('interactionCreate', async (interaction) => {
      if (!(interaction instanceof CommandInteraction)) return;
      if (interaction.data.name === 'slow') {
        await interaction.defer();
        await interaction.editOriginalMessage('done');
      } else {
        await interaction.createMessage({ content: 'pong', flags: 64 });
      }
    });
    await login();
    await client.bulkEditCommands([
      { name: 'ping', type: 1, description: 'Answers pong.' },
      { name: 'slow', type: 1, description: 'Takes its time.' },
    ]);
    const [guildId = ''] = discord.guildIds;
    const ping = discord.runCommand({ name: 'ping', guildId });
    await expect(ping.answered).resolves.toMatchObject({ content: 'pong', ephemeral: true });
    const slow = discord.runCommand({ name: 'slow', guildId });
    await expect(slow.answered).resolves.toMatchObject({ kind: 'editOriginal', content: 'done' });
    expect(discord.account.summary().commands).toMatchObject({ answeredOnce: 2, failed: 0 });
  });

  it('replies to a mention, and hears of its own message', async () => {
    const own: string[] = [];
    client.on('messageCreate', async (message) => {
      if (message.author.id === client.user.id) own.push(message.content);
      else if (message.mentions.some((user) => user.id === client.user.id)) {
        await client.createMessage(message.channel.id, {
          content: 'yes?',
          messageReference: { messageID: message.id },
        });
      }
    });
    await login();
    const [guildId = ''] = discord.guildIds;
    const mention = discord.sendMessage({ content: `<@${discord.botId}> ping`, guildId });
    await expect(mention.answered).resolves.toMatchObject({ content: 'yes?' });
    await until(() => own.includes('yes?'), 'its own message over the gateway');
  });

  it('resumes after a dropped socket, with what it missed and no IDENTIFY', async () => {
    const names: (string | undefined)[] = [];
    client.on('channelCreate', (channel) => names.push('name' in channel ? channel.name : undefined));
    await login();
    const [guildId = ''] = discord.guildIdsOfShard(1, 2);
    const resumed = next(client, 'shardResume');
    discord.faults.dropSocket(1, { terminate: true });
    discord.guilds.createChannel(guildId, { name: 'missed' });
    await resumed;
    expect(names).toEqual(['missed']);
    expect(discord.account.shard(1, 2)).toMatchObject({ identifies: [{}], resumes: [{ ok: true, atResumeUrl: true }] });
    expect(discord.account.summary()).toMatchObject({ overlaps: 0, violations: 0 });
  });

  it('identifies again when a resume is refused; that it does so on the same socket is noted', async () => {
    // eris identifies at once, whatever the window of its key. So there is none here.
    await start({ identifyIntervalMs: 0, shardCount: 2, maxConcurrency: 2 });
    client = erisClient({ maxShards: 'auto' });
    await login();
    const ready = next(client, 'shardReady');
    discord.faults.refuseResume(0);
    discord.faults.dropSocket(0);
    await ready;
    expect(discord.account.shard(0, 2).identifies).toHaveLength(2);
    expect(discord.account.summary().violationsByKind).toEqual({ identifyOnInvalidatedConnection: 1 });
  });

  it('reads zlib-stream', async () => {
    client = erisClient({ maxShards: 'auto', compress: true });
    await login();
    expect(client.guilds.size).toBe(12);
    expect(discord.account.connections.every((entry) => entry.query.includes('compress=zlib-stream'))).toBe(true);
    const resumed = next(client, 'shardResume');
    discord.faults.dropSocket(0);
    await resumed;
    expect(discord.account.summary().violations).toBe(0);
  });

  it('waits out a rate limit of the route and gets its messages through', async () => {
    await login();
    const [guildId = ''] = discord.guildIds;
    const channelId = discord.channelIdOf(guildId);
    discord.faults.failRest({
      route: 'POST /api/v10/channels',
      status: 429,
      times: 1,
      body: { message: 'You are being rate limited.', retry_after: 0.05, global: false },
    });
    const message = await client.createMessage(channelId, 'one');
    expect(message.content).toBe('one');
    expect(discord.account.rest.byStatus).toMatchObject({ 429: 1 });
  });
});
