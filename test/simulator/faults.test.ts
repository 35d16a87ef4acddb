import { beforeEach, expect, it } from 'vitest';
import { call, discord, start } from './local.js';
import { RawGateway } from './RawGateway.js';

let guildId: string;

beforeEach(async () => {
  await start();
  guildId = discord.guildIdsOfShard(1, 2)[0] ?? '';
});

const shard = [1, 2];

it('recommends another number of shards, until cleared', async () => {
  const recommended = async (): Promise<unknown> => (await call('GET', '/v10/gateway/bot')).body.shards;
  discord.faults.recommendShards(3);
  expect(await recommended()).toBe(3);
  discord.faults.clear();
  expect(await recommended()).toBe(1);
});

it('drops a socket with a code, or without one', async () => {
  const first = await RawGateway.login(discord, { shard });
  expect(discord.faults.dropSocket(1, { code: 4009 })).toBe(1);
  await expect(first.closed).resolves.toMatchObject({ code: 4009 });
  const second = await RawGateway.login(discord, { shard });
  discord.faults.dropSocket(1, { terminate: true });
  await expect(second.closed).resolves.toMatchObject({ code: 1006 });
  expect(discord.faults.dropSocket(0)).toBe(0);
});

it('refuses a resume as often as told, with or without losing the session', async () => {
  const client = await RawGateway.login(discord, { shard });
  await client.close(4901);
  discord.faults.refuseResume(1, { resumable: true, times: 2 });
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(await (await client.resumeElsewhere(discord)).op(9)).toMatchObject({ d: true });
  }
  const resumed = await client.resumeElsewhere(discord);
  await resumed.event('RESUMED');
  await resumed.close(4901);
  discord.faults.refuseResume(1);
  expect(await (await client.resumeElsewhere(discord)).op(9)).toMatchObject({ d: false });
  expect(await (await client.resumeElsewhere(discord)).op(9)).toMatchObject({ d: false });
});

it('invalidates a live session; resumable, it is still there', async () => {
  const client = await RawGateway.login(discord, { shard });
  discord.faults.invalidateSession(1, { resumable: true });
  expect(await client.op(9)).toMatchObject({ d: true });
  const other = await client.resumeElsewhere(discord);
  await other.event('RESUMED');
  discord.faults.invalidateSession(1);
  expect(await other.op(9)).toMatchObject({ d: false });
  discord.guilds.createChannel(guildId);
  await other.settle();
  expect(other.events).not.toContain('CHANNEL_CREATE');
  expect(await (await client.resumeElsewhere(discord)).op(9)).toMatchObject({ d: false });
});

it('lets an IDENTIFY follow op 9 on the same connection, but notes it', async () => {
  const client = await RawGateway.login(discord, { shard });
  discord.faults.invalidateSession(1);
  await client.op(9);
  client.identify({ shard });
  await client.find(() => client.packets.filter((packet) => packet.t === 'READY').length === 2);
  expect(discord.account.violations).toMatchObject([{ kind: 'identifyOnInvalidatedConnection' }]);
});

it('forgets sessions without a socket', async () => {
  const client = await RawGateway.login(discord, { shard });
  await client.close(4901);
  expect(discord.faults.expireSessions()).toBe(1);
  expect(await (await client.resumeElsewhere(discord)).op(9)).toMatchObject({ d: false });
});

it('asks for a reconnect and for a heartbeat', async () => {
  const client = await RawGateway.login(discord, { shard });
  expect(discord.faults.requestReconnect(1)).toBe(1);
  expect(discord.faults.requestHeartbeat(1)).toBe(1);
  await client.op(7);
  await client.op(1);
});

it('goes silent on a socket, and has everything ready for the resume', async () => {
  const client = await RawGateway.login(discord, { shard });
  const before = client.packets.length;
  discord.faults.goSilent(1);
  client.send(1, null);
  discord.guilds.createChannel(guildId, { name: 'unheard' });
  const other = await client.resumeElsewhere(discord);
  expect((await other.event('CHANNEL_CREATE')).d.name).toBe('unheard');
  expect(client.packets).toHaveLength(before);
});

it('delays HELLO and READY', async () => {
  discord.faults.delayHello(40);
  discord.faults.delayReady(60);
  const from = performance.now();
  const client = await RawGateway.open(discord);
  await client.op(10);
  expect(performance.now() - from).toBeGreaterThan(35);
  client.identify({ shard });
  const identified = performance.now();
  await client.event('READY');
  expect(performance.now() - identified).toBeGreaterThan(55);
  discord.faults.clear();
  await (await RawGateway.open(discord)).op(10);
});

it('closes on IDENTIFY with a code, for one shard', async () => {
  discord.faults.closeOnIdentify(4014, { shardId: 1 });
  await RawGateway.login(discord, { shard: [0, 2] });
  const struck = await RawGateway.open(discord);
  struck.identify({ shard });
  await expect(struck.closed).resolves.toMatchObject({ code: 4014 });
  await RawGateway.login(discord, { shard });
});

it('refuses connections until told otherwise', async () => {
  discord.faults.refuseConnections();
  await expect(RawGateway.open(discord)).rejects.toThrow('socket hang up');
  discord.faults.refuseConnections(0);
  await RawGateway.login(discord, { shard });
});

it('sends garbage', async () => {
  const client = await RawGateway.login(discord, { shard });
  discord.faults.sendGarbage(1, 'not json');
  expect((await client.op(-1)).d).toBe('not json');
});

it('makes REST slow, or fail, by route and number', async () => {
  const get = (path: string) => call('GET', `/v10${path}`);
  discord.faults.slowRest({ route: 'GET /api/v10/users', delayMs: 50, times: 1 });
  const from = performance.now();
  await get('/users/@me');
  expect(performance.now() - from).toBeGreaterThan(45);
  discord.faults.failRest({ status: 502, times: 1 });
  const bad = await get('/users/@me');
  expect(bad.status).toBe(502);
  expect(bad.headers.get('content-type')).toBe('text/html');
  expect(bad.body).toContain('<html>');
  expect((await get('/users/@me')).status).toBe(200);
  expect(discord.account.rest.byStatus).toEqual({ 200: 2, 502: 1 });
});

it('takes away session starts', async () => {
  discord.faults.limitSessionStarts({ remaining: 0, resetAfterMs: 60_000 });
  const { session_start_limit: limit } = (await call('GET', '/v10/gateway/bot')).body;
  expect(limit).toMatchObject({ total: 1000, remaining: 0, max_concurrency: 1 });
  expect(limit.reset_after).toBeGreaterThan(59_000);
});
