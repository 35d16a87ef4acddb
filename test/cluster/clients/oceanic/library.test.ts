import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, type CommandInteraction, Constants } from 'oceanic.js';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RawGuild } from '../../../../src/cluster/clients/ClientAdapter.js';
import { type OceanicOptions, oceanic } from '../../../../src/cluster/clients/oceanic/index.js';
import { clientInternalsOf, shardInternalsOf } from '../../../../src/cluster/clients/oceanic/oceanicInternals.js';
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
 * What a bot on oceanic.js relies on, and what no other library has. The rest is in the suite that all adapters pass.
 */

const INTENTS = GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT;

async function open(
  target: ReturnType<typeof targetOf>,
  options: OceanicOptions = {},
  overrides: Partial<GatewayOptions> = {},
) {
  const { token, apiUrl, gatewayUrl } = target;
  const log = recordingLogger();
  const gatewayLog = new GatewayLog(log.logger, token);
  const shards = { shardIds: [0], shardCount: 1 };
  const create = oceanic({ ...options, gateway: { intents: INTENTS, ...options.gateway } });
  const adapter = await create({ token, apiUrl, ...shards, log: gatewayLog });
  const slots = { timings: FAST, acquireSlot: new SlotDesk().acquire };
  const gateway = new Gateway(adapter, { token, gatewayUrl, ...shards, ...slots, ...overrides }, gatewayLog);
  onTestFinished(() => gateway.stop());
  return { gateway, adapter, client: adapter.client, log };
}

const start = () => startSimulator({ guildCount: 4, shardCount: 1 });
const troubles = (log: ReturnType<typeof recordingLogger>) => log.lines.filter(({ level }) => level >= 40);

async function listen(answer: RequestListener) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('the check of oceanic.js', () => {
  const client = new Client({ auth: 'Bot token', gateway: { intents: 0, maxShards: 1 } });
  const { shards } = clientInternalsOf(client);
  shards._connect = () => {};
  shards.spawn(0);

  it('accepts the installed one, which is the one that it was written for', () => {
    expect(Constants.VERSION).toBe('1.15.0');
    expect(shardInternalsOf(shards.get(0)).id).toBe(0);
  });

  it('names what is missing in another', () => {
    const other = Object.create(Object(shards.get(0)), { send: { value: undefined } });
    expect(() => shardInternalsOf(other)).toThrow('oceanic.js 1.15.0 does not fit: it lacks Shard.send(). ');
    expect(() => shardInternalsOf(undefined)).toThrow(/Shard\.checkReady\(\).*Shard\.status/);
    const another = Object.create(client, { shards: { value: { dispatcher: {}, get: () => {}, spawn: () => {} } } });
    expect(() => clientInternalsOf(another)).toThrow(/lacks ShardManager\._connect\(\), .*ShardManager\.connected\./);
    const third = Object.create(client, { rest: { value: { handler: { request: () => {} } } } });
    expect(() => clientInternalsOf(third)).toThrow('lacks RequestHandler.options, RequestHandler.ratelimits.');
  });
});

describe('a bot on oceanic.js', () => {
  it('hears once each how its shard and its client are', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    const seen: string[] = [];
    for (const event of ['connect', 'hello', 'shardPreReady', 'shardReady', 'shardResume', 'ready'] as const) {
      client.on(event, () => void seen.push(event));
    }
    for (const event of ['shardDisconnect', 'disconnect'] as const) client.on(event, () => void seen.push(event));
    await gateway.connect();
    expect(seen).toEqual(['connect', 'hello', 'shardPreReady', 'shardReady', 'ready']);
    const shard = client.shards.get(0);
    expect(shard).toMatchObject({ status: 'ready', ready: true, preReady: true, connecting: false });
    expect(client.guilds.get(simulator.guildIds[0] ?? '')?.shard).toBe(shard);
    seen.length = 0;
    simulator.faults.dropSocket(0, { code: 4000 });
    await until(() => expect(seen).toContain('shardResume'));
    expect(seen).toEqual([
      ...['shardDisconnect', 'disconnect', 'connect', 'hello', 'shardReady', 'ready', 'shardResume'],
    ]);
    simulator.faults.requestHeartbeat(0);
    await until(() => expect(shard?.latency).toBeLessThan(10_000));
    expect(shard?.latency).toBe(gateway.latencyMs(0));
  });

  it('logs in with the presence of its options, also where READY says no address to resume at', async () => {
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello();
      connection.socket.on('message', () => {
        const user = { id: '900', username: 'bot', discriminator: '0', avatar: null, bot: true };
        const d = { v: 10, session_id: 'session', user, application: { id: '901', flags: 0 }, guilds: [] };
        connection.send({ op: 0, t: 'READY', s: 1, d });
      });
    });
    const presence = { status: 'dnd' as const, activities: [{ name: 'with an apple', type: 0 as const }] };
    const { gateway, client, log } = await open(scripted.target, { gateway: { presence } });
    await gateway.connect();
    const [identify] = scripted.connections[0]?.received ?? [];
    expect(identify?.d).toMatchObject({ intents: INTENTS, large_threshold: 250, presence });
    expect(client.user.username).toBe('bot');
    expect(troubles(log)).toEqual([]);
  });

  it('may register functions for dispatches, which are listeners like all others', async () => {
    const simulator = await start();
    let handled = 0;
    const { gateway, client, log } = await open(
      targetOf(simulator),
      {},
      {
        judgeDispatch: (_id, { d }) => (Reflect.get(Object(d), 'content') === 'muted' ? 'mute' : 'handle'),
        onDispatch: (_id, { t }) => void (t === 'MESSAGE_CREATE' && handled++),
      },
    );
    const heard: string[] = [];
    client.shards.dispatcher.register('MESSAGE_CREATE', () => {
      throw new Error('thrown by a function');
    });
    client.shards.dispatcher.register('MESSAGE_CREATE', async ({ content }, shard) => {
      heard.push(`${content} on ${shard.id}`);
      throw new Error('rejected by a function');
    });
    client.on('messageCreate', ({ content }) => void heard.push(content));
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    for (const content of ['muted', 'hello']) simulator.sendMessage({ guildId, content });
    await until(() => expect(handled).toBe(2));
    expect(heard).toEqual(['hello', 'hello on 0']);
    await until(() => expect(log.lines.filter(({ level }) => level === 50)).toHaveLength(2));
    expect(log.text()).toContain('thrown by a function');
    expect(log.text()).toContain('rejected by a function');
  });

  it('is told as an error what oceanic.js throws over a dispatch, which would end the process otherwise', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    const errors: unknown[] = [];
    client.on('error', (error, shardId) => void errors.push([String(error), shardId]));
    await gateway.connect();
    const guildId = simulator.guildIds[0] ?? '';
    simulator.emitGuildEvent('GUILD_ROLE_CREATE', guildId, { guild_id: guildId });
    await until(() => expect(errors).toEqual([[expect.stringContaining('TypeError'), 0]]));
  });

  it('answers interactions from a guild that it has not cached, with members among their options', async () => {
    const simulator = await start();
    const { gateway, adapter, client, log } = await open(targetOf(simulator));
    const heard: CommandInteraction[] = [];
    client.on('interactionCreate', (interaction) => {
      heard.push(interaction as CommandInteraction);
      const { user } = interaction as CommandInteraction;
      return (interaction as CommandInteraction).createMessage({ content: `for ${user.id}` }) as unknown as undefined;
    });
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    const [first] = structuredClone(simulator.guilds.get(guildId).members);
    const { user, ...member } = first ?? { user: undefined };
    adapter.uncacheGuild(guildId);
    const { entry, answered } = simulator.runCommand({ name: 'ping', guildId });
    expect((await answered).content).toBe(`for ${entry.userId}`);
    client.removeAllListeners('interactionCreate');
    client.on('interactionCreate', (interaction) => void heard.push(interaction as CommandInteraction));
    const resolved = { users: { [String(user?.id)]: user }, members: { [String(user?.id)]: member } };
    const d = {
      ...{ id: '9', application_id: '8', type: 2, token: 'token', version: 1, entitlements: [] },
      ...{ guild_id: guildId, channel_id: simulator.channelIdOf(guildId), member: { ...first, permissions: '0' } },
      data: { id: '7', name: 'ban', type: 1, resolved },
    };
    adapter.dispatch(0, { op: 0, t: 'INTERACTION_CREATE', s: 99, d }, 'emit');
    expect(heard[1]?.data.resolved.members.map(({ id }) => id)).toEqual([user?.id]);
    expect(troubles(log)).toEqual([]);
  });

  it('does not take out of a packet what others read', async () => {
    const simulator = await start();
    const packets = new Map<string, GatewayPacket>();
    const { gateway, adapter, client } = await open(
      targetOf(simulator),
      {},
      { onDispatch: (_id, packet) => void packets.set(String(packet.t), packet) },
    );
    await gateway.connect();
    const raw = structuredClone(simulator.guilds.get(simulator.guildIds[0] ?? ''));
    const [id = ''] = raw.members.map(({ user }) => user.id);
    const presences = [{ user: { id }, status: 'idle', activities: [], client_status: {} }];
    simulator.emitGuildEvent('GUILD_CREATE', raw.id, { ...raw, presences });
    await until(() => expect(client.guilds.get(raw.id)?.members.get(id)?.presence?.status).toBe('idle'));
    expect(packets.get('GUILD_CREATE')?.d).toMatchObject({ presences });
    adapter.cacheGuild(0, structuredClone(packets.get('GUILD_CREATE')?.d) as RawGuild);
    expect(client.guilds.get(raw.id)?.members.get(id)?.presence?.status).toBe('idle');
  });

  it('finds scheduled events and the members of threads of a guild from the store', async () => {
    const simulator = await start();
    const { gateway, adapter, client } = await open(targetOf(simulator));
    await gateway.connect();
    const raw = structuredClone(simulator.guilds.get(simulator.guildIds[0] ?? '')) as unknown as RawGuild;
    const event = { id: '71', name: 'play', channel_id: null, creator: { id: '72', username: 'host' }, status: 1 };
    const thread_metadata = { archived: false, locked: false, auto_archive_duration: 60, archive_timestamp: 0 };
    const thread = { id: '74', type: 11, name: 'talk', parent_id: simulator.channelIdOf(raw.id), thread_metadata };
    const thread_members = [{ id: '74', user_id: '72', flags: 0, join_timestamp: '2026-01-01T00:00:00.000Z' }];
    const more = { guild_scheduled_events: [event], threads: [thread], thread_members };
    adapter.cacheGuild(0, { ...raw, ...more });
    const guild = client.guilds.get(raw.id);
    expect(guild?.scheduledEvents.get('71')).toMatchObject({ name: 'play', guild: { id: raw.id } });
    expect(client.users.get('72')?.username).toBe('host');
    expect(guild?.threads.get('74')?.members).toMatchObject([{ id: '74', userID: '72' }]);
    adapter.uncacheGuild(raw.id);
    expect(client.getChannel('74')).toBeUndefined();
    expect([...client.threadGuildMap.values(), ...client.channelGuildMap.values()]).not.toContain(raw.id);
  });

  it('forgets the users of a guild that it left, but for those whom it meets elsewhere', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    await gateway.connect();
    const [guildId = ''] = simulator.guildIds;
    const members = [...(client.guilds.get(guildId)?.members.keys() ?? [])];
    simulator.guilds.leave(guildId);
    await until(() => expect(client.guilds.has(guildId)).toBe(false));
    for (const id of members) {
      const isShared = id === client.user.id || client.guilds.some((guild) => guild.members.has(id));
      expect(client.users.has(id)).toBe(isShared);
    }
  });

  it('is not kept waiting for what it asked over a connection that is lost', async () => {
    const simulator = await start();
    const { gateway, client } = await open(targetOf(simulator));
    await gateway.connect();
    const shard = client.shards.get(0);
    const asked = [
      shard?.requestSoundboardSounds('5'),
      shard?.requestChannelInfo('5', { fields: [] }),
      shard?.requestGuildMembers('5', { query: 'a' }),
    ];
    const settled = Promise.allSettled(asked);
    gateway.release();
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });
});

describe('a request of oceanic.js', () => {
  it('rejects where the network fails, with what failed', async () => {
    const simulator = await start();
    const { gateway, adapter, client } = await open(targetOf(simulator));
    await gateway.connect();
    await client.rest.channels.get(simulator.channelIdOf(simulator.guildIds[0] ?? ''));
    const { server, port } = await listen(() => {});
    server.close();
    await once(server, 'close');
    client.rest.handler.options.baseURL = `http://127.0.0.1:${port}`;
    for (const request of [adapter.request('GET', '/users/@me'), client.rest.users.get('1')]) {
      await expect(request).rejects.toMatchObject({ message: 'fetch failed', cause: { code: 'ECONNREFUSED' } });
    }
  });

  it('rejects where it cannot be written down', async () => {
    const simulator = await start();
    const { gateway, client, log } = await open(targetOf(simulator));
    await gateway.connect();
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const path = `/channels/${simulator.channelIdOf(simulator.guildIds[0] ?? '')}/messages`;
    const say = (json: object) => client.rest.authRequest({ method: 'POST', path, json });
    const [first, second, third] = await Promise.allSettled([
      say({ content: '1' }),
      say(circular),
      say({ content: '3' }),
    ]);
    expect([first.status, third.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(String((second as PromiseRejectedResult).reason)).toContain(`oceanic.js could not make POST ${path}`);
    expect(log.text()).toContain('circular');
  });

  it('is given up by its own time limit, also where the body does not come', async () => {
    const { server, port } = await listen((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    });
    onTestFinished(() => void server.close().closeAllConnections());
    const target = { token: 'token', apiUrl: `http://127.0.0.1:${port}`, gatewayUrl: 'ws://127.0.0.1:1' };
    const { adapter } = await open(target, { rest: { requestTimeout: 50 } });
    await expect(adapter.request('GET', '/users/@me')).rejects.toThrow('Request Timed Out (>50ms) on GET /users/@me');
  });

  it('ends with its client: one under way, those that wait for their rate limit, and later ones', async () => {
    const simulator = await start();
    const { gateway, adapter, client, log } = await open(targetOf(simulator));
    await gateway.connect();
    const path = `/channels/${simulator.channelIdOf(simulator.guildIds[0] ?? '')}/messages`;
    const seen: number[] = [];
    adapter.onRest((status) => void seen.push(status));
    const say = (content: string) => adapter.request('POST', path, { content });
    const sent = Array.from({ length: 8 }, (_, index) => say(String(index)).then(String, String));
    await until(() => expect(seen).toHaveLength(5));
    simulator.faults.slowRest({ delayMs: 30_000 });
    const underWay = client.rest.users.get(simulator.ownerId).then(String, String);
    await gateway.stop();
    const stopped = 'Error: This client was stopped.';
    expect((await Promise.all(sent)).slice(5)).toEqual([stopped, stopped, stopped]);
    expect(await underWay).toBe(stopped);
    expect(await say('later').then(String, String)).toBe(stopped);
    expect(troubles(log)).toEqual([]);
  });

  it('is not mixed up with what the bot fetches itself', async () => {
    const simulator = await start();
    const { gateway, adapter } = await open(targetOf(simulator));
    await gateway.connect();
    const seen: number[] = [];
    adapter.onRest((status) => void seen.push(status));
    const [, own] = await Promise.all([
      adapter.request('GET', '/users/@me'),
      fetch(`${simulator.url}/v10/users/@me`, { headers: { authorization: `Bot ${simulator.token}` } }),
    ]);
    expect(own.status).toBe(200);
    expect(seen).toEqual([200]);
  });
});
