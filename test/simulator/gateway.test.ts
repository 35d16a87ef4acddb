import { createInflate } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { INTENTS } from '../../src/simulator/index.js';
import { call, discord, start, until, violations } from './local.js';
import { RawGateway } from './RawGateway.js';

beforeEach(() => start());

describe('connecting', () => {
  it('says HELLO with the heartbeat interval', async () => {
    await start({ heartbeatIntervalMs: 12_345 });
    const client = await RawGateway.open(discord);
    expect(await client.op(10)).toMatchObject({ d: { heartbeat_interval: 12_345 }, s: null, t: null });
  });

  it.each(['v=8&encoding=json', 'encoding=json', 'v=abc&encoding=json'])(
    'refuses the version of ?%s with 4012',
    async (query) => {
      const client = await RawGateway.open(discord, query);
      await expect(client.closed).resolves.toMatchObject({ code: 4012 });
      expect(violations()).toEqual(['invalidVersion']);
    },
  );

  it.each(['v=10&encoding=etf', 'v=10&encoding=json&compress=zstd-stream'])(
    'says that it does not speak ?%s',
    async (query) => {
      const client = await RawGateway.open(discord, query);
      await expect(client.closed).resolves.toMatchObject({ code: 4002, reason: expect.stringContaining('speaks') });
    },
  );

  it('serves no other path', async () => {
    const socket = new WebSocket(`${discord.gatewayUrl}/elsewhere?v=10&encoding=json`);
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toContain('404');
  });

  it('ends a connection without heartbeats after one and a half intervals', async () => {
    await start({ heartbeatIntervalMs: 40 });
    const client = await RawGateway.login(discord);
    await expect(client.closed).resolves.toMatchObject({ code: 4000 });
    const [connection] = discord.account.connections;
    expect((connection?.closedAt ?? 0) - (connection?.openedAt ?? 0)).toBeGreaterThanOrEqual(60);
    expect(violations()).toEqual(['heartbeatLate']);
  });

  it('acknowledges heartbeats, and keeps a connection that has them', async () => {
    await start({ heartbeatIntervalMs: 200 });
    const client = await RawGateway.login(discord);
    const timer = setInterval(() => client.send(1, client.session.seq), 50);
    await until(() => client.packets.filter((packet) => packet.op === 11).length > 8, 'eight heartbeats');
    clearInterval(timer);
    expect(violations()).toEqual([]);
  });

  it('notes a heartbeat with a sequence number that was never sent', async () => {
    const client = await RawGateway.login(discord);
    client.send(1, 9999);
    await client.op(11);
    expect(violations()).toEqual(['heartbeatSequenceUnknown']);
  });
});

describe('payloads that break the rules', () => {
  it.each([
    ['bad JSON', 4002, 'malformedPayload', (client: RawGateway) => client.socket.send('{"op":')],
    ['a payload without opcode', 4002, 'malformedPayload', (client: RawGateway) => client.socket.send('{"d":1}')],
    [
      'a binary frame',
      4002,
      'malformedPayload',
      (client: RawGateway) => client.socket.send(Buffer.from('{"op":1,"d":1}')),
    ],
    ['an opcode that is not for clients', 4001, 'unknownOpcode', (client: RawGateway) => client.send(0, {})],
    ['an opcode that does not exist', 4001, 'unknownOpcode', (client: RawGateway) => client.send(99, {})],
    ['more than 4096 bytes', 4002, 'payloadTooLarge', (client: RawGateway) => client.send(1, 'x'.repeat(4096))],
    ['a presence before IDENTIFY', 4003, 'notAuthenticated', (client: RawGateway) => client.send(3, {})],
    ['a heartbeat that is no number', 4002, 'malformedPayload', (client: RawGateway) => client.send(1, 'x')],
  ] as const)('closes on %s with %d', async (_what, code, kind, act) => {
    const client = await RawGateway.open(discord);
    await client.op(10);
    act(client);
    await expect(client.closed).resolves.toMatchObject({ code });
    expect(violations()).toEqual([kind]);
  });

  it('takes a payload of exactly 4096 bytes', async () => {
    const client = await RawGateway.login(discord);
    const bare = JSON.stringify({ op: 3, d: { since: null, activities: [], status: 'online', afk: false, pad: '' } });
    client.send(3, { since: null, activities: [], status: 'online', afk: false, pad: 'x'.repeat(4096 - bare.length) });
    client.send(1, null);
    await client.op(11);
    expect(violations()).toEqual([]);
  });

  it('closes on anything before HELLO', async () => {
    discord.faults.delayHello(1000);
    const client = await RawGateway.open(discord);
    client.identify();
    await expect(client.closed).resolves.toMatchObject({ code: 4003 });
  });

  it('closes with 4008 on the 121st payload in a minute', async () => {
    const client = await RawGateway.login(discord);
    for (let sent = 1; sent < 120; sent++) client.send(1, null);
    await until(() => client.packets.filter((packet) => packet.op === 11).length === 119, 'the 119 that are allowed');
    client.send(1, null);
    await expect(client.closed).resolves.toMatchObject({ code: 4008 });
    expect(violations()).toEqual(['sendRateLimit']);
  });
});

describe('IDENTIFY', () => {
  it('is answered by READY with unavailable guilds, then by those guilds', async () => {
    await start({ guildCount: 9 });
    const client = await RawGateway.login(discord, { shard: [1, 3] });
    const ready = client.packets.find((packet) => packet.t === 'READY');
    expect(ready).toMatchObject({ s: 1, d: { v: 10, shard: [1, 3], user: { id: discord.botId, bot: true } } });
    expect(ready?.d.application).toEqual({ id: discord.applicationId, flags: 0 });
    expect(ready?.d.guilds).toEqual(discord.guildIdsOfShard(1, 3).map((id) => ({ id, unavailable: true })));
    expect(ready?.d.resume_gateway_url).toBe(`${discord.gatewayUrl}/resume`);
    expect(client.packets.map((packet) => packet.s).slice(1)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['a wrong token', 4004, { token: 'nonsense' }],
    ['a shard that is not below the count', 4010, { shard: [2, 2] }],
    ['a negative shard', 4010, { shard: [-1, 2] }],
    ['a shard of three parts', 4010, { shard: [0, 1, 2] }],
    ['a shard of strings', 4010, { shard: ['0', '1'] }],
    ['an intent that does not exist', 4013, { intents: 1 << 18 }],
    ['no intents', 4013, { intents: undefined }],
    ['no properties', 4002, { properties: undefined }],
    ['a large_threshold out of range', 4002, { large_threshold: 1000 }],
    [
      'a presence with an unknown status',
      4002,
      { presence: { status: 'away', activities: [], since: null, afk: false } },
    ],
  ])('with %s is closed with %d', async (_what, code, over) => {
    const client = await RawGateway.open(discord);
    client.identify(over);
    await expect(client.closed).resolves.toMatchObject({ code });
    expect(discord.account.identifies).toMatchObject([{ accepted: false, tokenOk: code !== 4004 }]);
    expect(discord.account.violations).toHaveLength(1);
  });

  it('with a privileged intent that is not enabled is closed with 4014', async () => {
    await start({ allowedPrivilegedIntents: INTENTS.messageContent });
    const client = await RawGateway.open(discord);
    client.identify({ intents: INTENTS.guildMembers });
    await expect(client.closed).resolves.toMatchObject({ code: 4014 });
  });

  it('for more than 2500 guilds on one shard is closed with 4011', async () => {
    await start({ guildCount: 2501 });
    const client = await RawGateway.open(discord);
    client.identify();
    await expect(client.closed).resolves.toMatchObject({ code: 4011 });
    const sharded = await RawGateway.open(discord);
    sharded.identify({ shard: [0, 2] });
    await sharded.event('READY');
  });

  it('twice on a connection is closed with 4005', async () => {
    const client = await RawGateway.login(discord);
    client.identify();
    await expect(client.closed).resolves.toMatchObject({ code: 4005 });
  });

  it('takes the token with the prefix too, as eris sends it', async () => {
    await RawGateway.login(discord, { token: `Bot ${discord.token}` });
  });

  it('too early for its key gets op 9, costs a session start, and does not move the window', async () => {
    await start({ identifyIntervalMs: 300, maxConcurrency: 2 });
    const first = await RawGateway.login(discord, { shard: [0, 4] });
    const sameKey = await RawGateway.open(discord);
    sameKey.identify({ shard: [2, 4] });
    expect(await sameKey.op(9)).toMatchObject({ d: false });
    await RawGateway.login(discord, { shard: [1, 4] });
    expect(violations()).toEqual(['identifyTooEarly']);
    expect(discord.account.summary().sessionStartsRemaining).toBe(997);
    const [accepted, refused] = discord.account.identifies;
    expect(accepted).toMatchObject({ shardId: 0, key: 0, accepted: true });
    expect(refused).toMatchObject({ shardId: 2, key: 0, accepted: false, reason: 'too early' });
    const due = (accepted?.at ?? 0) + 300;
    await until(() => performance.timeOrigin + performance.now() > due, 'the end of the window');
    await RawGateway.login(discord, { shard: [2, 4] });
    await first.close();
  });

  it('beyond the session start limit resets the token: all connections end with 4004, REST says 401', async () => {
    await start({ sessionStartLimit: { remaining: 2 } });
    const first = await RawGateway.login(discord);
    await RawGateway.login(discord);
    expect(discord.account.summary().sessionStartsRemaining).toBe(0);
    const third = await RawGateway.open(discord);
    third.identify();
    await expect(third.closed).resolves.toMatchObject({ code: 4004 });
    await expect(first.closed).resolves.toMatchObject({ code: 4004 });
    expect(violations()).toEqual(['tokenReset']);
    expect((await call('GET', '/v10/users/@me')).status).toBe(401);
  });

  it('has its budget back after the reset', async () => {
    await start({ sessionStartLimit: { total: 5, remaining: 0, resetAfterMs: 30 } });
    await until(() => discord.account.summary().sessionStartsRemaining === 5, 'the reset');
    await RawGateway.login(discord);
    expect(violations()).toEqual([]);
  });

  it('with compress gets large payloads compressed, each on its own', async () => {
    const client = await RawGateway.login(discord, { compress: true });
    const compressed = client.frames.filter((frame) => frame[0] === 0x78);
    expect(compressed.length).toBeGreaterThanOrEqual(4);
  });
});

describe('zlib-stream', () => {
  it('sends all payloads through one context, each ended by a sync flush', async () => {
    await start({ guildCount: 30 });
    const client = await RawGateway.open(discord, 'v=10&encoding=json&compress=zlib-stream');
    client.identify();
    const inflate = createInflate();
    let text = '';
    inflate.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    let read = 0;
    await until(() => {
      for (; read < client.frames.length; read++) inflate.write(client.frames[read]);
      return text.split('"t":"GUILD_CREATE"').length === 31;
    }, 'thirty guilds');
    expect(text.startsWith('{"t":null,"s":null,"op":10')).toBe(true);
    const [hello = Buffer.alloc(0), ...others] = client.frames;
    expect(hello[0]).toBe(0x78);
    // One context: only the first frame has a zlib header.
    expect(others.filter((frame) => frame[0] === 0x78 && frame[1] === hello[1])).toEqual([]);
    inflate.destroy();
  });

  it('sends what was written before a close', async () => {
    const client = await RawGateway.open(discord, 'v=10&encoding=json&compress=zlib-stream');
    client.identify({ token: 'wrong' });
    await expect(client.closed).resolves.toMatchObject({ code: 4004 });
    expect(client.frames.length).toBe(1);
  });
});

it('stops at once, though a client does not answer its close', async () => {
  const client = await RawGateway.login(discord);
  client.socket.pause();
  discord.faults.dropSocket(0);
  const from = performance.now();
  await discord.stop();
  expect(performance.now() - from).toBeLessThan(2000);
  client.socket.resume();
  await client.closed;
});

it.each(['//', '/%', '/?v=%&%%'])('outlives an upgrade to %s', async (path) => {
  const socket = new WebSocket(`${discord.gatewayUrl}${path}`);
  await new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  await RawGateway.login(discord);
});

describe('two sessions of one shard', () => {
  it('both get every event, and the account knows that they overlap', async () => {
    const [guildId = ''] = discord.guildIds;
    const first = await RawGateway.login(discord);
    const second = await RawGateway.login(discord);
    discord.guilds.createChannel(guildId, { name: 'for both' });
    await first.event('CHANNEL_CREATE');
    await second.event('CHANNEL_CREATE');
    expect(discord.account.owners(0, 1)).toHaveLength(2);
    expect(discord.account.overlaps()).toHaveLength(1);
  });

  it('of different shard counts each get their own guilds', async () => {
    await start({ guildCount: 6 });
    const [guildId = ''] = discord.guildIdsOfShard(1, 3);
    const whole = await RawGateway.login(discord);
    const third = await RawGateway.login(discord, { shard: [1, 3] });
    const other = await RawGateway.login(discord, { shard: [0, 3] });
    discord.guilds.createChannel(guildId);
    await whole.event('CHANNEL_CREATE');
    await third.event('CHANNEL_CREATE');
    await other.settle();
    expect(other.events).not.toContain('CHANNEL_CREATE');
    expect(discord.account.overlaps()).toEqual([]);
  });
});
