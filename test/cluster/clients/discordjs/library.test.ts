import { type Client, DefaultRestOptions, Events, type Message, Status, type TextChannel } from 'discord.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DiscordJsOptions, discordJs } from '../../../../src/cluster/clients/discordjs/index.js';
import { Gateway, GatewayLog, type GatewayOptions } from '../../../../src/cluster/gateway/index.js';
import type { GatewayPacket } from '../../../../src/core/discord/packets.js';
import {
  FAST,
  GUILD_MESSAGES,
  GUILDS,
  MESSAGE_CONTENT,
  recordingLogger,
  ScriptedGateway,
  SlotDesk,
  startSimulator,
  targetOf,
  until,
} from '../../gateway/support.js';

/*
 * What a bot on discord.js relies on, and what no other library has. The rest is in the suite that all adapters pass.
 */

const INTENTS = GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT;
const INVITES = 1 << 6;
const VOICE_STATES = 1 << 7;
const PRESENCES = 1 << 8;

async function open(
  target: ReturnType<typeof targetOf>,
  options: Partial<DiscordJsOptions> = {},
  overrides: Partial<GatewayOptions> = {},
) {
  const { token, apiUrl, gatewayUrl } = target;
  const log = recordingLogger();
  const gatewayLog = new GatewayLog(log.logger, token);
  const shards = { shardIds: [0, 1], shardCount: 2 };
  const adapter = await discordJs({ intents: INTENTS, ...options })({ token, apiUrl, ...shards, log: gatewayLog });
  const slots = { timings: FAST, acquireSlot: new SlotDesk().acquire };
  const gateway = new Gateway(adapter, { token, gatewayUrl, ...shards, ...slots, ...overrides }, gatewayLog);
  onTestFinished(() => gateway.stop());
  return { gateway, adapter, client: adapter.client, log };
}

const start = () => startSimulator({ guildCount: 8, shardCount: 2 });

/** Names of the events that say how shards and client are, with the shard's id. */
function watch(client: Client): string[] {
  const seen: string[] = [];
  client.on(Events.ClientReady, () => void seen.push('clientReady'));
  client.on(Events.ShardReady, (id) => void seen.push(`shardReady ${id}`));
  client.on(Events.ShardResume, (id, replayed) => void seen.push(`shardResume ${id}, replayed ${replayed}`));
  client.on(Events.ShardDisconnect, (_event, id) => void seen.push(`shardDisconnect ${id}`));
  client.on(Events.ShardReconnecting, (id) => void seen.push(`shardReconnecting ${id}`));
  return seen;
}

describe('a bot on discord.js', () => {
  it('hears once each how its shards and its client are', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    const seen = watch(client);
    await gateway.connect();
    expect(seen.toSorted()).toEqual(['clientReady', 'shardReady 0', 'shardReady 1']);
    expect(seen.at(-1)).toBe('clientReady');
    expect(client.ws.shards.map(({ status }) => status)).toEqual([Status.Ready, Status.Ready]);

    seen.length = 0;
    simulator.faults.dropSocket(0);
    await until(() => expect(seen).toEqual(['shardReconnecting 0', expect.stringMatching(/^shardResume 0, replayed/)]));

    seen.length = 0;
    gateway.release();
    expect(seen).toEqual(['shardDisconnect 0', 'shardDisconnect 1']);
    expect(client.ws.shards.map(({ status }) => status)).toEqual([Status.Disconnected, Status.Disconnected]);
    await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
    const [guildId = ''] = simulator.guildIdsOfShard(1, 2);
    for (const content of ['one', 'two']) simulator.sendMessage({ guildId, content });
    seen.length = 0;
    await gateway.adopt();
    // RESUMED counts, as it does in discord.js.
    expect(seen.toSorted()).toEqual(['shardResume 0, replayed 1', 'shardResume 1, replayed 3']);
    expect(client.isReady()).toBe(true);
  });

  it('is set up by clientReady before it hears what is replayed from its predecessor', async () => {
    const simulator = await start();
    const old = await open(targetOf(simulator));
    await old.gateway.connect();
    const identity = old.gateway.identity;
    const sessions = old.gateway.release();
    await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
    const [guildId = ''] = simulator.guildIds;
    simulator.sendMessage({ guildId, content: 'meanwhile' });

    const { gateway, adapter, client } = await open(targetOf(simulator));
    if (identity !== null) gateway.restoreIdentity(identity);
    for (const id of simulator.guildIds) {
      const shardId = simulator.guildIdsOfShard(0, 2).includes(id) ? 0 : 1;
      adapter.cacheGuild(shardId, structuredClone(simulator.guilds.get(id)) as never);
    }
    const seen = watch(client);
    client.on(Events.MessageCreate, ({ content }) => void seen.push(content));
    await gateway.connect(sessions);
    expect(seen[0]).toBe('clientReady');
    expect(seen.filter((event) => event === 'meanwhile' || event === 'clientReady')).toHaveLength(2);
    expect(client.user?.id).toBe(simulator.botId);
    expect(client.application?.id).toBeDefined();
  });

  it('knows how long a heartbeat took', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    await gateway.connect();
    for (const shardId of [0, 1]) simulator.faults.requestHeartbeat(shardId);
    await until(() => expect(client.ws.ping).toBeGreaterThanOrEqual(0));
    expect(client.ws.shards.get(1)?.ping).toBe(gateway.latencyMs(1));
  });

  it('logs in with the presence of its options', async () => {
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello();
      connection.socket.on('message', () => connection.ready());
    });
    const presence = { status: 'dnd', activities: [{ name: 'with an apple' }] } as const;
    const { gateway } = await open(scripted.target, {
      presence: { ...presence, activities: [...presence.activities] },
    });
    await gateway.connect();
    const [identify] = scripted.connections[0]?.received ?? [];
    expect(identify?.d).toMatchObject({
      intents: INTENTS,
      presence: { status: 'dnd', activities: [{ name: 'with an apple', type: 0 }] },
    });
  });

  it('collects messages and buttons, and fetches channels that it has not cached', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    const channelId = simulator.channelIdOf(guildId);
    const channel = client.channels.cache.get(channelId) as TextChannel;
    const collected = channel.awaitMessages({
      max: 2,
      time: 60_000,
      filter: ({ content }) => content.startsWith('vote'),
    });
    for (const content of ['vote one', 'noise', 'vote two']) simulator.sendMessage({ guildId, content });
    expect((await collected).map(({ content }) => content)).toEqual(['vote one', 'vote two']);

    const button = { type: 2 as const, style: 1 as const, label: 'Take it', custom_id: 'apple' };
    const offer: Message = await channel.send({ content: 'apple', components: [{ type: 1, components: [button] }] });
    const taken = offer.awaitMessageComponent({ time: 60_000 });
    const pressed = simulator.pressComponent({ customId: 'apple', messageId: offer.id, guildId });
    await (await taken).reply('taken');
    expect((await pressed.answered).content).toBe('taken');

    client.channels.cache.delete(channelId);
    expect(await client.channels.fetch(channelId)).toMatchObject({ id: channelId, guildId });
  });

  it('joins a voice channel by the way of @discordjs/voice', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator), { intents: INTENTS | VOICE_STATES });
    await gateway.connect();
    const [guildId = ''] = simulator.guildIdsOfShard(1, 2);
    const heard: string[] = [];
    const voice = client.guilds.cache.get(guildId)?.voiceAdapterCreator({
      onVoiceServerUpdate: ({ endpoint }) => void heard.push(`server ${endpoint}`),
      onVoiceStateUpdate: ({ session_id }) => void heard.push(`session ${session_id}`),
      destroy: () => void heard.push('destroyed'),
    });
    const d = { guild_id: guildId, channel_id: simulator.channelIdOf(guildId), self_mute: false, self_deaf: true };
    expect(voice?.sendPayload({ op: 4, d })).toBe(true);
    await until(() => expect(heard).toEqual([expect.stringMatching(/^session \w+/), 'server null']));
    expect(client.guilds.cache.get(guildId)?.members.me?.voice).toMatchObject({
      channelId: d.channel_id,
      selfDeaf: true,
    });
    gateway.release();
    expect(heard.at(-1)).toBe('destroyed');
  });

  it('gets rejections of its listeners as error events too, and its raw listeners hurt nobody', async () => {
    const simulator = await start();
    const { gateway, client, log } = await open(targetOf(simulator));
    const errors: string[] = [];
    const heard: string[] = [];
    client.on(Events.Error, ({ message }) => void errors.push(message));
    client.on(Events.Error, () => Promise.reject(new Error('not again')));
    client.ws.on('MESSAGE_CREATE' as never, () => {
      throw new Error('thrown by a raw listener');
    });
    client.on(Events.MessageCreate, async ({ content }) => {
      heard.push(content);
      throw new Error('rejected');
    });
    await gateway.connect();
    simulator.sendMessage({ guildId: simulator.guildIds[0] ?? '', content: 'hello' });
    await until(() => expect(errors).toEqual(['rejected']));
    await until(() => expect(log.text()).toContain('not again'));
    expect(heard).toEqual(['hello']);
    expect(log.text()).toContain('thrown by a raw listener');
    // Logged once, as what it is.
    expect(log.lines.filter(({ level }) => level === 50)).toHaveLength(3);
  });

  it('does not put its objects into what others read', async () => {
    const simulator = await start();
    const packets = new Map<string, GatewayPacket>();
    const { gateway } = await open(
      targetOf(simulator),
      { intents: INTENTS | INVITES | PRESENCES },
      { onDispatch: (_id, packet) => void packets.set(String(packet.t), packet) },
    );
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    const [user] = simulator.guilds.get(guildId).members.map((member) => member.user);
    const presence = { guild_id: guildId, user: { id: user?.id }, status: 'idle', activities: [], client_status: {} };
    const [id, channel_id] = ['9', simulator.channelIdOf(guildId)];
    const member = { roles: [], joined_at: new Date(0).toISOString(), deaf: false, mute: false, flags: 0 };
    const message = { id, channel_id, guild_id: guildId, author: user, member, content: '', mentions: [] };
    simulator.emitGuildEvent('MESSAGE_CREATE', guildId, message);
    simulator.emitGuildEvent('INVITE_CREATE', guildId, { guild_id: guildId, channel_id, code: 'apple' });
    simulator.emitGuildEvent('PRESENCE_UPDATE', guildId, presence);
    await until(() => expect(packets.get('PRESENCE_UPDATE')).toBeDefined());
    expect(packets.get('MESSAGE_CREATE')?.d).toEqual(JSON.parse(JSON.stringify(message)));
    expect(packets.get('PRESENCE_UPDATE')?.d).toEqual(JSON.parse(JSON.stringify(presence)));
    expect(packets.get('INVITE_CREATE')?.d).not.toHaveProperty('guild');
    expect(packets.get('GUILD_CREATE')?.d).not.toHaveProperty('shardId');
  });

  it('answers an interaction from a guild that it has not cached', async () => {
    const simulator = await start();
    const { gateway, client, log } = await open(targetOf(simulator));
    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isChatInputCommand()) await interaction.reply(`answer to ${interaction.user.id}`);
    });
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    gateway.adapter.uncacheGuild(guildId);
    const { entry, answered } = simulator.runCommand({ name: 'ping', guildId });
    expect((await answered).content).toBe(`answer to ${entry.userId}`);
    expect(log.lines.filter(({ level }) => level === 50)).toEqual([]);
  });

  it('is told in one line that it neither connects nor ends itself', async () => {
    const simulator = await start();
    const { gateway, client, log } = await open(targetOf(simulator));
    await expect(client.login('another token')).rejects.toThrow('login() is not for the bot');
    await gateway.connect();
    await client.destroy();
    expect(client.isReady()).toBe(true);
    expect(log.text()).toContain('destroy() of the client does nothing');
    await client.application?.fetch();
    expect(simulator.account.summary().connectionsOpen).toBe(2);
  });

  it('gives up the requests that are under way when it is stopped', async () => {
    const simulator = await start();
    let isSent = false;
    const makeRequest: typeof DefaultRestOptions.makeRequest = (url, init) => {
      isSent = true;
      return DefaultRestOptions.makeRequest(url, init);
    };
    // Longer than the answer takes: discord.js does not give up first.
    const { gateway, client } = await open(targetOf(simulator), { rest: { makeRequest, timeout: 600_000 } });
    await gateway.connect();
    simulator.faults.slowRest({ delayMs: 30_000 });
    const request = client.users.fetch(simulator.ownerId, { force: true });
    await until(() => expect(isSent).toBe(true));
    const outcome = expect(request).rejects.toThrow('This client was stopped.');
    await gateway.stop();
    await outcome;
    await expect(client.users.fetch(simulator.ownerId, { force: true })).rejects.toThrow('This client was stopped.');
  });
});
