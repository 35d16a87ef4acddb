import type { Message } from 'eris';
import { describe, expect, it } from 'vitest';
import type { ErisClient } from '../../../src/cluster/clients/eris/index.js';
import type { Gateway } from '../../../src/cluster/gateway/index.js';
import type { Simulator } from '../../../src/simulator/index.js';
import { createGateway, startSimulator, until } from './support.js';

/** What the bot's handlers were given, in order. */
function contentsSeenBy(gateway: Gateway<ErisClient>): string[] {
  const seen: string[] = [];
  gateway.client.on('messageCreate', (message: Message) => void seen.push(message.content));
  return seen;
}

function say(simulator: Simulator, shardId: number, content: string): void {
  const guildId = simulator.guildIdsOfShard(shardId, 4)[0];
  if (guildId === undefined) throw new Error(`shard ${shardId} has no guild`);
  simulator.sendMessage({ guildId, content });
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

async function untilReady(gateway: Gateway<ErisClient>): Promise<void> {
  await until(() => expect(gateway.statuses().every(({ state }) => state === 'ready')).toBe(true));
}

/** Until the connection that a fault struck is seen to be gone. */
async function untilLost(states: readonly { state: string }[]): Promise<void> {
  await until(() => expect(states.some(({ state }) => state === 'disconnected')).toBe(true));
}

describe('a lost connection', () => {
  it.each([
    ['a close with 4000', { code: 4000 }],
    ['a close with 1000', { code: 1000 }],
    ['a close with 1001', { code: 1001 }],
    ['a cut', { terminate: true }],
  ])('is resumed at once after %s, without a slot and without a lost event', async (_name, how) => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    const seen = contentsSeenBy(gateway);
    await gateway.connect();

    for (const content of numbers(0, 50)) say(simulator, 1, content);
    simulator.faults.dropSocket(1, how);
    for (const content of numbers(50, 100)) say(simulator, 1, content);
    await until(() => expect(seen).toHaveLength(100));
    expect(seen).toEqual(numbers(0, 100));
    await untilReady(gateway);

    expect(simulator.account.resumes).toMatchObject([{ shardId: 1, ok: true, atResumeUrl: true }]);
    expect(slots.asked).toHaveLength(4);
    expect(simulator.account.violations).toEqual([]);
  });

  it('reports its states in order', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator, { shardIds: [0] });
    await gateway.connect();
    states.length = 0;
    simulator.faults.dropSocket(0);
    await untilLost(states);
    await untilReady(gateway);
    expect(states.map(({ state }) => state)).toEqual(['disconnected', 'resuming', 'ready']);
  });

  it('is resumed when Discord asks to reconnect (op 7)', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    await gateway.connect();
    simulator.faults.requestReconnect(2);
    await until(() => expect(simulator.account.resumes).toMatchObject([{ shardId: 2, ok: true }]));
    expect(slots.asked).toHaveLength(4);
    expect(simulator.account.shard(2).connections[0]).toMatchObject({ closeCode: 4901, closedBy: 'client' });
  });

  it('keeps its session while the gateway is out of reach, however often it tries', async () => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator);
    const seen = contentsSeenBy(gateway);
    const errors: unknown[] = [];
    gateway.client.on('error', (error) => void errors.push(error));
    await gateway.connect();
    states.length = 0;

    simulator.faults.refuseConnections();
    for (const shardId of [0, 1, 2, 3]) simulator.faults.dropSocket(shardId, { terminate: true });
    // Stock eris gives a session up after ten attempts.
    await until(() => expect(errors.length).toBeGreaterThan(12 * 4));
    for (const content of numbers(0, 20)) say(simulator, 3, content);
    simulator.faults.refuseConnections(0);
    await untilReady(gateway);

    expect(seen).toEqual(numbers(0, 20));
    expect(simulator.account.resumes.filter(({ ok }) => ok)).toHaveLength(4);
    expect(simulator.account.identifies).toHaveLength(4);
    expect(slots.asked).toHaveLength(4);
  });

  it('pauses between resumes that are lost again and again', async () => {
    const simulator = await startSimulator();
    const timings = { reconnectBaseMs: 200, reconnectMaxMs: 200 };
    const { gateway } = createGateway(simulator, { shardIds: [0], timings });
    await gateway.connect();
    gateway.client.on('shardResume', () => void simulator.faults.dropSocket(0));
    simulator.faults.dropSocket(0);
    await until(() => expect(simulator.account.resumes.length).toBe(4));
    const [first = 0, second = 0, third = 0, fourth = 0] = simulator.account.resumes.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(140);
    expect(third - second).toBeGreaterThanOrEqual(140);
    expect(fourth - third).toBeGreaterThanOrEqual(140);
    gateway.client.removeAllListeners('shardResume');
  });

  it('is noticed where Discord falls silent (no heartbeat ACK), and resumed', async () => {
    const simulator = await startSimulator({ heartbeatIntervalMs: 150 });
    const { gateway, slots } = createGateway(simulator, { shardIds: [0] });
    await gateway.connect();
    simulator.faults.goSilent(0);
    await until(() => expect(simulator.account.resumes).toMatchObject([{ shardId: 0, ok: true }]));
    expect(slots.asked).toHaveLength(1);
    expect(simulator.account.connections[0]?.closeCode).not.toBe(1000);
  });
});

describe('a RESUME', () => {
  it('tells the handlers of a guild that the bot joined meanwhile, and is ready only when it is through', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator);
    const joined: string[] = [];
    const seen = contentsSeenBy(gateway);
    let ready = 0;
    await gateway.connect();
    gateway.client.on('guildCreate', (guild) => void joined.push(guild.id));
    gateway.client.on('shardReady', () => void ready++);
    states.length = 0;
    simulator.faults.refuseConnections();
    for (const shardId of [0, 1, 2, 3]) simulator.faults.dropSocket(shardId, { terminate: true });
    const guildIds = [simulator.guilds.join(), simulator.guilds.join()];
    for (const guildId of guildIds) simulator.sendMessage({ guildId, content: 'hello' });
    await untilLost(states);
    simulator.faults.refuseConnections(0);
    await untilReady(gateway);

    expect(joined.sort()).toEqual(guildIds.sort());
    expect(seen).toEqual(['hello', 'hello']);
    expect(ready).toBe(0);
    expect(states.filter(({ state }) => state === 'ready')).toHaveLength(4);
  });

  it('of a shard whose guilds were still arriving does not call them new', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator, { shardIds: [0] });
    const joined: string[] = [];
    gateway.client.on('guildCreate', (guild) => void joined.push(guild.id));
    gateway.client.once('shardPreReady', () => gateway.release());
    await expect(gateway.connect()).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await gateway.adopt();
    await until(() => expect(gateway.client.guilds.size).toBe(simulator.guildIdsOfShard(0, 4).length));
    expect(joined).toEqual([]);
  });
});

describe('an invalid session (op 9)', () => {
  it('that is gone leads to a new socket at the main URL, after a pause and with a new slot', async () => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator);
    await gateway.connect();
    states.length = 0;
    simulator.faults.refuseResume(0);
    simulator.faults.dropSocket(0);
    await untilLost(states);
    await untilReady(gateway);

    const { connections, identifies, resumes } = simulator.account.shard(0);
    expect(resumes).toMatchObject([{ ok: false }]);
    expect(identifies).toHaveLength(2);
    expect(connections.map(({ url }) => url)).toEqual(['main', 'resume', 'main']);
    expect((identifies[1]?.at ?? 0) - (resumes[0]?.at ?? 0)).toBeGreaterThanOrEqual(49);
    expect(slots.asked).toEqual([0, 1, 2, 3, 0]);
    expect(slots.out).toBe(0);
    expect(simulator.account.violations).toEqual([]);
  });

  it('that can be resumed is resumed again, without a slot', async () => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator);
    const seen = contentsSeenBy(gateway);
    await gateway.connect();
    states.length = 0;
    simulator.faults.refuseResume(0, { resumable: true, times: 3 });
    simulator.faults.dropSocket(0);
    say(simulator, 0, 'meanwhile');
    await untilLost(states);
    await untilReady(gateway);
    expect(simulator.account.resumes.map(({ ok }) => ok)).toEqual([false, false, false, true]);
    expect(slots.asked).toHaveLength(4);
    expect(seen).toEqual(['meanwhile']);
  });

  it('is told of once where Discord says that it is gone, and not where it can be resumed', async () => {
    const simulator = await startSimulator();
    const lost: number[] = [];
    const { gateway, states } = createGateway(simulator, { onSessionLost: (shardId) => void lost.push(shardId) });
    await gateway.connect();
    for (const resumable of [true, false]) {
      states.length = 0;
      simulator.faults.invalidateSession(1, { resumable });
      await untilLost(states);
      await untilReady(gateway);
    }
    expect(lost).toEqual([1]);
    states.length = 0;
    simulator.faults.dropSocket(0, { code: 4009 });
    await untilLost(states);
    await untilReady(gateway);
    expect(lost).toEqual([1, 0]);
  });

  it.each([true, false])('in the middle of a live one is obeyed (resumable: %s)', async (resumable) => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator);
    await gateway.connect();
    states.length = 0;
    simulator.faults.invalidateSession(1, { resumable });
    await untilLost(states);
    await untilReady(gateway);
    expect(simulator.account.resumes.filter(({ ok }) => ok)).toHaveLength(resumable ? 1 : 0);
    expect(simulator.account.shard(1).identifies).toHaveLength(resumable ? 1 : 2);
    expect(slots.asked).toHaveLength(resumable ? 4 : 5);
    expect(simulator.account.violations).toEqual([]);
  });

  it.each([4003, 4006, 4007, 4009])('is assumed after a close with %i', async (code) => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator);
    await gateway.connect();
    states.length = 0;
    simulator.faults.dropSocket(1, { code });
    await untilLost(states);
    await untilReady(gateway);
    expect(simulator.account.resumes).toHaveLength(0);
    expect(slots.asked).toEqual([0, 1, 2, 3, 1]);
  });

  it('tells the handlers of the guilds that the bot left meanwhile, and forgets them', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator);
    const left: string[] = [];
    gateway.client.on('guildDelete', (guild) => void left.push(guild.id));
    await gateway.connect();
    states.length = 0;
    const guildId = simulator.guildIdsOfShard(0, 4)[0] ?? '';
    const before = gateway.client.guilds.get(guildId);
    simulator.faults.refuseConnections();
    simulator.faults.dropSocket(0, { terminate: true });
    simulator.guilds.leave(guildId);
    simulator.faults.expireSessions();
    await untilLost(states);
    simulator.faults.refuseConnections(0);
    await untilReady(gateway);

    expect(left).toEqual([guildId]);
    expect(gateway.client.guilds.has(guildId)).toBe(false);
    expect(Object.values(gateway.client.channelGuildMap)).not.toContain(guildId);
    expect(Object.values(gateway.client.threadGuildMap)).not.toContain(guildId);
    const users = [...(before?.members.keys() ?? [])].filter((id) => id !== gateway.client.user.id);
    const known = (id: string | number) => [...gateway.client.guilds.values()].some(({ members }) => members.has(id));
    expect(users.filter((id) => gateway.client.users.has(id) && !known(id))).toEqual([]);
  });
});

it('a listener may release the shards, and take them back, in the midst of getting ready', async () => {
  const simulator = await startSimulator();
  const { gateway, states } = createGateway(simulator, { shardIds: [0] });
  await gateway.connect();
  let adopted: Promise<void> | undefined;
  gateway.client.once('shardResume', () => {
    gateway.release();
    adopted = gateway.adopt();
  });
  states.length = 0;
  simulator.faults.dropSocket(0);
  await until(() => expect(adopted).toBeDefined());
  await adopted;
  expect(states.map(({ state }) => state)).toEqual([...['disconnected', 'resuming', 'released', 'resuming', 'ready']]);
  expect(simulator.account.resumes.filter(({ ok }) => ok)).toHaveLength(2);
  expect(simulator.account.overlaps()).toEqual([]);
});
