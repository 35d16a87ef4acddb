import { register } from 'node:module';
// Comes with discord.js, which hands its options through to it.
import { CompressionMethod, SimpleShardingStrategy } from '@discordjs/ws';
import { Client, type ClientOptions, Events, GatewayIntentBits, type Interaction, MessageFlags } from 'discord.js';
import { describe, expect, it, type TestContext } from 'vitest';
import { Simulator } from '../../src/simulator/index.js';
import { next, until } from './local.js';

// discord.js inflates with the native zlib-sync only; pako has the same interface and needs no compiler.
register(
  `data:text/javascript,${encodeURIComponent(
    "export const resolve = (name, context, next) => next(name === 'zlib-sync' ? 'pako' : name, context);",
  )}`,
  import.meta.url,
);

interface World {
  readonly discord: Simulator;
  readonly client: Client;
  login(): Promise<void>;
}

/** A local Discord and a client of the test's own. */
async function open({ onTestFinished }: TestContext, options: Partial<ClientOptions> = {}): Promise<World> {
  const discord = new Simulator({ guildCount: 12, shardCount: 2, maxConcurrency: 2, identifyIntervalMs: 50 });
  await discord.start();
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
    rest: { api: discord.url },
    shards: 'auto',
    ...options,
  });
  onTestFinished(async () => {
    await client.destroy();
    await discord.stop();
  });
  return {
    discord,
    client,
    async login() {
      const ready = next(client, Events.ClientReady);
      await client.login(discord.token);
      await ready;
    },
  };
}

// Side by side: discord.js pauses for five seconds and more between two IDENTIFYs of a shard.
describe.concurrent('an unmodified discord.js client', () => {
  it('logs in with the recommended shards and has every guild cached as it is', async (test) => {
    const { discord, client, login } = await open(test);
    await login();
    expect(client.user?.id).toBe(discord.botId);
    expect(client.guilds.cache.size).toBe(12);
    for (const id of discord.guildIds) {
      const truth = discord.guilds.get(id);
      const cached = client.guilds.cache.get(id);
      expect(cached?.name).toBe(truth.name);
      expect(cached?.channels.cache.size).toBe(truth.channels.length + truth.threads.length);
      expect(cached?.roles.cache.size).toBe(truth.roles.length);
      expect(cached?.emojis.cache.size).toBe(truth.emojis.length);
    }
    expect(discord.account.summary()).toMatchObject({ identifies: 2, violations: 0, overlaps: 0 });
  });

  it('answers a command, at once or deferred', async (test) => {
    const { discord, client, login } = await open(test);
    client.on(Events.InteractionCreate, async (interaction: Interaction) => {
      if (!interaction.isChatInputCommand()) return;
      if (interaction.commandName === 'slow') {
        await interaction.deferReply({ flags: MessageFlags.Ephemeral });
        await interaction.editReply('done');
        await interaction.followUp('and more');
      } else {
        await interaction.reply({ content: `pong ${interaction.options.getString('text')}`, withResponse: true });
      }
    });
    await login();
    const [guildId = ''] = discord.guildIds;
    const ping = discord.runCommand({ name: 'ping', options: { text: 'hello' }, guildId });
    await expect(ping.answered).resolves.toMatchObject({ kind: 'callback', type: 4, content: 'pong hello' });
    const slow = discord.runCommand({ name: 'slow', guildId });
    await expect(slow.answered).resolves.toMatchObject({
      kind: 'editOriginal',
      type: 5,
      content: 'done',
      ephemeral: true,
    });
    await until(() => slow.entry.responses.length === 3, 'the followup');
    expect(slow.entry.responses.map((response) => response.kind)).toEqual(['callback', 'editOriginal', 'followup']);
    expect(discord.account.summary().commands).toMatchObject({ sent: 2, answeredOnce: 2, answeredTwice: 0, failed: 0 });
  });

  it('sees what a mention says and replies to it, but not what others say', async (test) => {
    const { discord, client, login } = await open(test);
    const seen: string[] = [];
    client.on(Events.MessageCreate, async (message) => {
      if (message.author.bot) return;
      seen.push(message.content);
      if (message.mentions.has(discord.botId)) await message.reply('at your service');
    });
    await login();
    const [guildId = ''] = discord.guildIds;
    discord.sendMessage({ content: 'psst', guildId });
    const mention = discord.sendMessage({ content: `<@${discord.botId}> hello`, guildId });
    await expect(mention.answered).resolves.toMatchObject({ content: 'at your service' });
    expect(seen).toEqual(['', `<@${discord.botId}> hello`]);
    expect(discord.account.summary().mentions).toMatchObject({ sent: 1, answeredOnce: 1 });
  });

  it.for([{ code: 4000 }, { terminate: true }])(
    'resumes after a dropped socket (%o), with what it missed',
    async (how, test) => {
      const { discord, client, login } = await open(test);
      const names: string[] = [];
      client.on(Events.ChannelCreate, (channel) => names.push(channel.name));
      await login();
      const [guildId = ''] = discord.guildIdsOfShard(1, 2);
      const resumed = next(client, Events.ShardResume);
      expect(discord.faults.dropSocket(1, how)).toBe(1);
      discord.guilds.createChannel(guildId, { name: 'missed' });
      await resumed;
      await until(() => names.includes('missed'), 'the replayed event');
      const { identifies, resumes } = discord.account.shard(1, 2);
      expect(identifies).toHaveLength(1);
      expect(resumes).toMatchObject([{ ok: true, replayed: 1, atResumeUrl: true, tookOver: false }]);
      expect(discord.account.summary()).toMatchObject({ violations: 0, overlaps: 0 });
    },
  );

  it('resumes when asked to reconnect (op 7)', async (test) => {
    const { discord, client, login } = await open(test);
    await login();
    const resumed = next(client, Events.ShardResume);
    discord.faults.requestReconnect(0);
    await resumed;
    expect(discord.account.summary()).toMatchObject({ identifies: 2, resumes: 1, violations: 0 });
  });

  it('identifies again when its session is invalid', async (test) => {
    const { discord, client, login } = await open(test);
    await login();
    const ready = next(client, Events.ShardReady);
    discord.faults.invalidateSession(0);
    await ready;
    expect(discord.account.shard(0, 2).identifies).toHaveLength(2);
    expect(discord.account.summary()).toMatchObject({ violations: 0, overlaps: 0 });
  });

  it('identifies again when a resume is refused', async (test) => {
    const { discord, client, login } = await open(test);
    await login();
    const ready = next(client, Events.ShardReady);
    discord.faults.refuseResume(1);
    discord.faults.dropSocket(1);
    await ready;
    expect(discord.account.shard(1, 2)).toMatchObject({ identifies: [{}, {}], resumes: [{ ok: false }] });
  });

  it('reads zlib-stream', async (test) => {
    const names: string[] = [];
    const { discord, client, login } = await open(test, {
      ws: {
        buildStrategy: (manager) => {
          manager.options.compression = CompressionMethod.ZlibStream;
          return new SimpleShardingStrategy(manager);
        },
      },
    });
    client.on(Events.ChannelCreate, (channel) => names.push(channel.name));
    await login();
    expect(client.guilds.cache.size).toBe(12);
    expect(discord.account.connections.every(({ query }) => query.includes('compress=zlib-stream'))).toBe(true);
    const [guildId = ''] = discord.guildIdsOfShard(0, 2);
    const resumed = next(client, Events.ShardResume);
    discord.faults.dropSocket(0, { terminate: true });
    discord.guilds.createChannel(guildId, { name: 'missed' });
    await resumed;
    expect(names).toEqual(['missed']);
    expect(discord.account.summary()).toMatchObject({ identifies: 2, resumes: 1, violations: 0 });
  });

  it('waits out a rate limit and gets its messages through', async (test) => {
    const { discord, client, login } = await open(test);
    await login();
    const [guildId = ''] = discord.guildIds;
    const channel = await client.channels.fetch(discord.channelIdOf(guildId));
    if (!channel?.isSendable()) throw new Error('no text channel');
    discord.faults.failRest({
      route: 'POST /api/v10/channels',
      status: 429,
      times: 1,
      body: { message: 'You are being rate limited.', retry_after: 0.05, global: false },
    });
    const message = await channel.send('one');
    expect(message.content).toBe('one');
    expect(discord.account.rest.byStatus['429']).toBe(1);
  });

  it('has members in its cache after asking for them', async (test) => {
    const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMembers];
    const { discord, client, login } = await open(test, { intents });
    await login();
    const [guildId = ''] = discord.guildIds;
    const guild = client.guilds.cache.get(guildId);
    expect(guild?.members.cache.size).toBe(1);
    const members = await guild?.members.fetch();
    expect(members?.size).toBe(discord.guilds.get(guildId).members.length);
  });
});
