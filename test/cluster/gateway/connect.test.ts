import { describe, expect, it } from 'vitest';
import { createGateway, GUILDS, startSimulator, until } from './support.js';

describe('Gateway.connect', () => {
  it('resolves when every shard is ready and has its guilds', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();

    expect(gateway.client.guilds.size).toBe(24);
    expect(gateway.client.ready).toBe(true);
    expect(gateway.client.user.id).toBe(simulator.botId);
    for (const { shardId, state, guilds } of gateway.statuses()) {
      expect(state).toBe('ready');
      expect(guilds).toBe(simulator.guildIdsOfShard(shardId, 4).length);
      expect(simulator.account.owners(shardId, 4)).toHaveLength(1);
    }
    expect(simulator.account.violations).toEqual([]);
  });

  it('makes no REST request', async () => {
    const simulator = await startSimulator();
    await createGateway(simulator).gateway.connect();
    expect(simulator.account.rest.requests).toBe(0);
  });

  it('connects exactly the shards that it was given', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator, { shardIds: [3, 1] });
    await gateway.connect();
    expect(simulator.account.identifies.map(({ shardId }) => shardId).sort()).toEqual([1, 3]);
    expect([...gateway.client.guilds.values()].map((guild) => guild.shard.id)).not.toContain(0);
  });

  it('reports every state of a shard in order', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator, { shardIds: [2] });
    await gateway.connect();
    expect(states.map(({ state }) => state)).toEqual(['waiting', 'connecting', 'ready']);
    expect(states.at(-1)?.guilds).toBe(simulator.guildIdsOfShard(2, 4).length);
  });

  it('does not wait for guilds of another shard, nor for its timeout', async () => {
    const simulator = await startSimulator();
    const { gateway, slots, states } = createGateway(simulator, { clientOptions: { guildCreateTimeout: 60_000 } });
    slots.hold();
    const connected = gateway.connect();
    slots.grantHeld();
    await connected;
    expect(states.filter(({ state }) => state === 'ready')).toHaveLength(4);
  });

  it('asks for one slot for each IDENTIFY, before it opens a socket', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    slots.hold();
    const connected = gateway.connect();
    await until(() => expect(slots.asked).toEqual([0, 1, 2, 3]));
    expect(simulator.account.connections).toHaveLength(0);
    slots.grantHeld();
    await connected;
    expect(slots.out).toBe(0);
    expect(slots.returned.toSorted((a, b) => a.shardId - b.shardId)).toEqual(
      [0, 1, 2, 3].map((shardId) => ({ shardId, used: true })),
    );
  });

  it('returns the slot 250 ms after the IDENTIFY where READY does not come sooner', async () => {
    const simulator = await startSimulator({ shardCount: 1 });
    simulator.faults.delayReady(60_000);
    const { gateway, slots } = createGateway(simulator, { shardIds: [0], shardCount: 1 });
    void gateway.connect().catch(() => {});
    await until(() => expect(simulator.account.identifies).toHaveLength(1));
    expect(slots.out).toBe(1);
    await until(() => expect(slots.returned).toEqual([{ shardId: 0, used: true }]));
  });

  it('returns the slot unused where the gateway cannot be reached, and asks again', async () => {
    const simulator = await startSimulator();
    simulator.faults.refuseConnections();
    const { gateway, slots } = createGateway(simulator, { shardIds: [0] });
    const connected = gateway.connect();
    await until(() => expect(slots.returned.length).toBeGreaterThan(2));
    expect(slots.returned.every(({ used }) => !used)).toBe(true);
    simulator.faults.refuseConnections(0);
    await connected;
    expect(slots.returned.at(-1)).toEqual({ shardId: 0, used: true });
  });

  it('says once that the gateway is out of reach, however many shards try however often', async () => {
    const simulator = await startSimulator();
    simulator.faults.refuseConnections();
    const { gateway, slots, log } = createGateway(simulator);
    const connected = gateway.connect();
    await until(() => expect(slots.returned.length).toBeGreaterThan(10));
    simulator.faults.refuseConnections(0);
    await connected;
    const told = log.lines.filter(({ level, msg }) => level >= 30 && /reach/.test(msg)).map(({ msg }) => msg);
    expect(told).toEqual([
      expect.stringMatching(/^Cannot reach the gateway at 127\.0\.0\.1:\d+ /),
      'The gateway is within reach again',
    ]);
    expect(log.lines.filter(({ level }) => level >= 50)).toEqual([]);
  });

  it('asks again where the slot is refused', async () => {
    const simulator = await startSimulator();
    let asked = 0;
    const { gateway, log } = createGateway(simulator, {
      shardIds: [0],
      acquireSlot: async () => {
        if (++asked < 3) throw new Error('the master is busy');
        return { release: () => {} };
      },
    });
    await gateway.connect();
    expect(asked).toBe(3);
    expect(log.text()).toContain('the master is busy');
  });

  it('rejects when its signal fires while it waits for a slot, and returns a slot that comes too late', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    const controller = new AbortController();
    slots.hold();
    const connected = gateway.connect([], controller.signal);
    await until(() => expect(slots.asked).toHaveLength(4));
    controller.abort(new Error('enough'));
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED', cause: { message: 'enough' } });
    slots.grantHeld();
    await until(() => expect(slots.returned).toHaveLength(4));
    expect(slots.returned.every(({ used }) => !used)).toBe(true);
    expect(simulator.account.connections).toHaveLength(0);
  });

  it('rejects when its signal fires while the gateway is out of reach, and stops trying', async () => {
    const simulator = await startSimulator();
    simulator.faults.refuseConnections();
    const { gateway, slots } = createGateway(simulator);
    const controller = new AbortController();
    const connected = gateway.connect([], controller.signal);
    await until(() => expect(slots.returned.length).toBeGreaterThan(4));
    controller.abort();
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    expect(gateway.statuses().every(({ state }) => state === 'released')).toBe(true);
  });

  it('rejects where it is called twice', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    await expect(gateway.connect()).rejects.toThrow(/adopt\(\)/);
  });

  it('lets the bot be seen as online', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator, { intents: GUILDS });
    expect(gateway.client.shards.get(0)?.presence.status).toBe('online');
    await gateway.connect();
    gateway.client.shards.get(0)?.editStatus('dnd');
    expect(simulator.faults.dropSocket(0)).toBe(1);
    await until(() => expect(simulator.account.resumes).toHaveLength(1));
    await until(() => expect(gateway.statuses()[0]?.state).toBe('ready'));
    expect(gateway.client.shards.get(0)?.presence.status).toBe('dnd');
  });
});
