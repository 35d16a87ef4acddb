import type { Agent } from 'node:https';
import type { Message } from 'eris';
import { describe, expect, it } from 'vitest';
import { createGateway, createOneShard, ScriptedGateway, startSimulator, until } from './support.js';

const ids = Array.from({ length: 4 }, (_, shardId) => shardId);

describe('Gateway.release', () => {
  it('closes every shard with 4901 and says how to resume it', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator);
    await gateway.connect();
    states.length = 0;
    const sessions = gateway.release();

    expect(sessions.map(({ shardId }) => shardId)).toEqual(ids);
    expect(
      sessions.every(({ sessionId, seq, resumeUrl }) => sessionId !== '' && seq > 0 && !resumeUrl.includes('?')),
    ).toBe(true);
    expect(states.map(({ state }) => state)).toEqual(['released', 'released', 'released', 'released']);
    await until(() =>
      expect(simulator.account.connections.map(({ closeCode }) => closeCode)).toEqual(ids.map(() => 4901)),
    );
    expect(simulator.account.connections.every(({ closedBy }) => closedBy === 'client')).toBe(true);
  });

  it('gives the same answer when it is called again', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator);
    await gateway.connect();
    const sessions = gateway.release();
    states.length = 0;
    expect(gateway.release()).toEqual(sessions);
    expect(states).toEqual([]);
  });

  it('handles no packet afterwards; another process gets exactly the rest', async () => {
    const simulator = await startSimulator();
    const old = createGateway(simulator);
    const successor = createGateway(simulator);
    const guildId = simulator.guildIdsOfShard(0, 4)[0] ?? '';
    const seen: string[] = [];
    const owners: string[] = [];
    const record = (owner: string) => (message: Message) => {
      seen.push(message.content);
      owners.push(owner);
    };
    await old.gateway.connect();
    let sessions: ReturnType<typeof old.gateway.release> = [];
    old.gateway.client.on('messageCreate', (message: Message) => {
      record('old')(message);
      // In the midst of a flood, of which much has been received already.
      if (message.content === '500') sessions = old.gateway.release();
    });
    successor.gateway.client.on('messageCreate', record('successor'));

    for (let i = 0; i < 2_000; i++) simulator.sendMessage({ guildId, content: String(i) });
    await until(() => expect(sessions).toHaveLength(4));
    await successor.gateway.connect(sessions);
    await until(() => expect(seen).toHaveLength(2_000));

    expect(seen).toEqual(Array.from({ length: 2_000 }, (_, i) => String(i)));
    expect(owners.lastIndexOf('old')).toBe(500);
    expect(successor.slots.asked).toEqual([]);
    expect(simulator.account.overlaps()).toEqual([]);
    expect(simulator.account.identifies).toHaveLength(4);
    expect(simulator.account.violations).toEqual([]);
  });

  it('ends the wait of connect(), and leaves out shards that have no session yet', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    slots.hold();
    const connected = gateway.connect();
    await until(() => expect(slots.asked).toHaveLength(4));
    expect(gateway.release()).toEqual([]);
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
  });

  it('returns the slot of a shard whose IDENTIFY was sent as used, of another as unused', async () => {
    const simulator = await startSimulator();
    simulator.faults.delayReady(60_000);
    const { gateway, slots } = createGateway(simulator, { shardIds: [0, 1], timings: { identifySeenAfterMs: 60_000 } });
    gateway.client.once('connect', () => slots.hold());
    const connected = gateway.connect().catch(() => {});
    await until(() => expect(simulator.account.identifies).toHaveLength(2));
    gateway.release();
    await connected;
    expect(slots.returned.every(({ used }) => used)).toBe(true);
    expect(slots.out).toBe(0);
  });

  it('leaves a shard alone that was about to reconnect', async () => {
    const simulator = await startSimulator();
    const { gateway, states } = createGateway(simulator, {
      shardIds: [0],
      timings: { reconnectBaseMs: 50, reconnectMaxMs: 50 },
    });
    await gateway.connect();
    simulator.faults.refuseConnections();
    simulator.faults.dropSocket(0, { terminate: true });
    await until(() => expect(states.filter(({ state }) => state === 'resuming').length).toBeGreaterThan(1));
    const [session] = gateway.release();
    expect(session).toMatchObject({ shardId: 0, sessionId: simulator.account.connections[0]?.sessionId });
    const { length } = states;
    simulator.faults.refuseConnections(0);
    // Longer than the pause that was running.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(states).toHaveLength(length);
    expect(simulator.account.summary().connectionsOpen).toBe(0);
  });

  it('cuts a peer off that does not answer the close', async () => {
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello();
      connection.socket.once('message', () => connection.ready());
    });
    const { gateway } = createOneShard(scripted.target, { timings: { closeTimeoutMs: 100 } });
    await gateway.connect();
    const [connection] = scripted.connections;
    // Reads nothing more, and so does not see the close.
    connection?.socket.pause();
    const from = performance.now();
    await gateway.stop();
    // `ws` would wait for 30 s.
    expect(performance.now() - from).toBeLessThan(20_000);
  });
});

describe('Gateway.adopt', () => {
  it('resumes released shards from memory, without a slot and without a lost event', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    const seen: string[] = [];
    gateway.client.on('messageCreate', (message: Message) => void seen.push(message.content));
    await gateway.connect();
    gateway.release();
    for (const shardId of ids)
      simulator.sendMessage({ guildId: simulator.guildIdsOfShard(shardId, 4)[0] ?? '', content: 'meanwhile' });
    await gateway.adopt();

    expect(seen).toEqual(ids.map(() => 'meanwhile'));
    expect(gateway.statuses().every(({ state, guilds }) => state === 'ready' && guilds > 0)).toBe(true);
    expect(slots.asked).toHaveLength(4);
    expect(simulator.account.resumes.filter(({ ok }) => ok)).toHaveLength(4);
  });

  it('identifies where Discord has forgotten the session', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator);
    await gateway.connect();
    gateway.release();
    await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
    expect(simulator.faults.expireSessions()).toBe(4);
    await gateway.adopt();
    expect(slots.asked).toHaveLength(8);
  });

  it('can be repeated', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    for (let round = 0; round < 5; round++) {
      gateway.release();
      await gateway.adopt();
    }
    expect(simulator.account.identifies).toHaveLength(4);
    expect(simulator.account.overlaps()).toEqual([]);
  });
});

describe('Gateway.connect with sessions', () => {
  it('resumes those, and identifies the other shards', async () => {
    const simulator = await startSimulator();
    const old = createGateway(simulator);
    await old.gateway.connect();
    const sessions = old.gateway.release().slice(0, 2);
    const { gateway, slots, states } = createGateway(simulator);
    await gateway.connect(sessions);
    expect(slots.asked).toEqual([2, 3]);
    expect(states.filter(({ shardId }) => shardId === 0).map(({ state }) => state)).toEqual(['resuming', 'ready']);
    expect(gateway.client.ready).toBe(true);
  });

  it('identifies where the session is not valid any more', async () => {
    const simulator = await startSimulator();
    const { gateway, slots } = createGateway(simulator, { shardIds: [0] });
    await gateway.connect([{ shardId: 0, sessionId: 'long gone', seq: 5, resumeUrl: simulator.gatewayUrl }]);
    expect(slots.asked).toEqual([0]);
    expect(simulator.account.resumes).toMatchObject([{ ok: false }]);
  });

  it('goes to the main gateway where the resume URL leads nowhere', async () => {
    const simulator = await startSimulator();
    const old = createGateway(simulator, { shardIds: [0] });
    await old.gateway.connect();
    const [session] = old.gateway.release();
    if (session === undefined) throw new Error('no session');
    const { gateway, slots } = createGateway(simulator, { shardIds: [0] });
    await gateway.connect([{ ...session, resumeUrl: 'ws://127.0.0.1:1' }]);
    expect(slots.asked).toEqual([]);
    expect(simulator.account.resumes).toMatchObject([{ ok: true, atResumeUrl: false }]);
  });

  it('answers commands once it is told who the bot is', async () => {
    const simulator = await startSimulator();
    const old = createGateway(simulator);
    await old.gateway.connect();
    const { identity } = old.gateway;
    if (identity === null) throw new Error('READY did not tell who the bot is');
    const { gateway } = createGateway(simulator);
    gateway.restoreIdentity(JSON.parse(JSON.stringify(identity)));
    gateway.client.on('interactionCreate', async (interaction) => {
      if ('createMessage' in interaction) await interaction.createMessage('hello');
    });
    await gateway.connect(old.gateway.release());
    expect(gateway.client.user.id).toBe(simulator.botId);
    const answer = await simulator.runCommand({ name: 'ping', guildId: simulator.guildIds[0] ?? '' }).answered;
    expect(answer.content).toBe('hello');
  });
});

describe('Gateway.stop', () => {
  it('leaves no listener, and keeps the sessions', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    await gateway.stop();
    expect(simulator.account.connections.map(({ closeCode }) => closeCode)).toEqual(ids.map(() => 4901));
    expect(gateway.client.eventNames()).toEqual([]);
    expect(gateway.statuses().every(({ state }) => state === 'released')).toBe(true);
  });

  it('lets REST requests reject that are under way, that wait, and that come later', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    simulator.faults.slowRest({ delayMs: 60_000 });
    const agent = gateway.client.requestHandler.options.agent as Agent;
    const requests = Promise.allSettled(Array.from({ length: 5 }, () => gateway.client.getSelf()));
    await until(() => expect(Object.values(agent.sockets).flat()).toHaveLength(1));
    await gateway.stop();
    expect((await requests).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    await expect(gateway.client.getSelf()).rejects.toThrow(/stopped/);
  });

  it('may be called before, during and after everything else', async () => {
    const simulator = await startSimulator();
    await createGateway(simulator).gateway.stop();
    const { gateway } = createGateway(simulator);
    const connected = gateway.connect();
    const stopped = Promise.all([gateway.stop(), gateway.stop()]);
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await stopped;
    await gateway.stop();
    await expect(gateway.adopt()).rejects.toThrow(/stopped/);
    await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
  });
});
