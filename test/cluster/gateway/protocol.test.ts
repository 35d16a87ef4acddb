import { describe, expect, it, vi } from 'vitest';
import { createOneShard, type ScriptedConnection, ScriptedGateway, until } from './support.js';

const IDENTIFY = 2;
const PRESENCE_UPDATE = 3;
const RESUME = 6;
const REQUEST_GUILD_MEMBERS = 8;

/** Greets, and answers IDENTIFY with READY and RESUME with RESUMED. */
function serve(connection: ScriptedConnection, ready: object = {}): void {
  connection.hello();
  connection.socket.on('message', (data) => {
    const { op } = JSON.parse(String(data));
    if (op === IDENTIFY) connection.ready(ready);
    if (op === RESUME) connection.send({ op: 0, t: 'RESUMED', s: 2, d: {} });
  });
}

describe('the gateway protocol', () => {
  it('names version and encoding for IDENTIFY and for RESUME', async () => {
    const scripted: ScriptedGateway = await ScriptedGateway.start((connection) => {
      serve(connection, { resume_gateway_url: `${scripted.url}/resume` });
    });
    const { gateway } = createOneShard(scripted.target);
    await gateway.connect();
    scripted.connections[0]?.socket.close(4000);
    await until(() => expect(scripted.connections[1]?.opcodes()).toContain(RESUME));
    expect(scripted.connections.map(({ path }) => path)).toEqual([
      '/?v=10&encoding=json',
      '/resume?v=10&encoding=json',
    ]);
  });

  it('resumes at the main URL where READY names no other', async () => {
    const scripted = await ScriptedGateway.start((connection) => serve(connection));
    const { gateway } = createOneShard(scripted.target);
    await gateway.connect();
    scripted.connections[0]?.socket.close(4000);
    await until(() => expect(scripted.connections[1]?.opcodes()).toContain(RESUME));
    expect(gateway.release()).toMatchObject([{ resumeUrl: scripted.url }]);
  });

  it('sends nothing on a new socket before RESUME, and the presence that was set meanwhile after it', async () => {
    const scripted = await ScriptedGateway.start((connection) => serve(connection));
    const { gateway } = createOneShard(scripted.target, { intents: (1 << 0) | (1 << 1) });
    await gateway.connect();
    const shard = gateway.client.shards.get(0);
    // More than fits into the rate limit: the rest waits in the queue.
    for (let i = 0; i < 130; i++) shard?.requestGuildMembers('1').catch(() => {});
    await until(() =>
      expect(scripted.connections[0]?.opcodes().filter((op) => op === REQUEST_GUILD_MEMBERS).length).toBeGreaterThan(
        100,
      ),
    );
    gateway.client.on('connect', () => shard?.editStatus('idle'));
    scripted.connections[0]?.socket.close(4000);
    await until(() => expect(scripted.connections[1]?.opcodes()).toContain(PRESENCE_UPDATE));
    expect(scripted.connections[1]?.opcodes().filter((op) => op !== 1)).toEqual([RESUME, PRESENCE_UPDATE]);
    const sent = scripted.connections[1]?.received.find(({ op }) => op === PRESENCE_UPDATE);
    expect(sent?.d).toMatchObject({ status: 'idle' });
  });

  it('sends its first heartbeat before a full interval has passed', async () => {
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello(20_000);
      connection.socket.on('message', (data) => {
        const { op } = JSON.parse(String(data));
        if (op === IDENTIFY) connection.ready();
      });
    });
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const { gateway } = createOneShard(scripted.target);
    const from = performance.now();
    await gateway.connect();
    random.mockRestore();
    await until(() => expect(scripted.connections[0]?.opcodes()).toContain(1));
    const after = performance.now() - from;
    expect(after).toBeGreaterThan(150);
    expect(after).toBeLessThan(19_000);
  });

  it('sends a heartbeat that fell due before READY right after it', async () => {
    const scripted = await ScriptedGateway.start((connection) => connection.hello(60_000));
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    const { gateway } = createOneShard(scripted.target);
    const connected = gateway.connect();
    await until(() => expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY]));
    scripted.connections[0]?.ready();
    await connected;
    random.mockRestore();
    await until(() => expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY, 1]));
  });

  it('gives a connection up on which neither READY nor anything else comes', async () => {
    const scripted = await ScriptedGateway.start((connection, index) => {
      if (index === 0) connection.hello();
      else serve(connection);
    });
    const { gateway, slots } = createOneShard(scripted.target, {
      timings: { handshakeTimeoutMs: 100, reconnectBaseMs: 10 },
    });
    await gateway.connect();
    expect(scripted.connections).toHaveLength(2);
    expect(slots.returned.map(({ used }) => used)).toEqual([true, true]);
  });

  it('gives a connection up on which HELLO does not come', async () => {
    const scripted = await ScriptedGateway.start((connection, index) => {
      if (index > 0) serve(connection);
    });
    const { gateway, slots } = createOneShard(scripted.target, {
      timings: { handshakeTimeoutMs: 100, reconnectBaseMs: 10 },
    });
    await gateway.connect();
    expect(scripted.connections).toHaveLength(2);
    expect(slots.returned.map(({ used }) => used)).toEqual([false, true]);
  });

  it('gives a compressed connection up that cannot be read any more', async () => {
    const scripted = await ScriptedGateway.start(({ socket }) => socket.send(Buffer.from([1, 2, 3, 0, 0, 0xff, 0xff])));
    const clientOptions = { compress: true };
    const { gateway } = createOneShard(scripted.target, { clientOptions, timings: { reconnectBaseMs: 10 } });
    const connected = gateway.connect();
    await until(() => expect(scripted.connections.length).toBeGreaterThan(1));
    gateway.release();
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
  });

  it('is ready although a guild stays unavailable, and at once where Discord says so', async () => {
    const guilds = [{ id: '175928847299117063', unavailable: true }];
    const scripted = await ScriptedGateway.start((connection) => serve(connection, { guilds }));
    const patient = createOneShard(scripted.target, { clientOptions: { guildCreateTimeout: 60_000 } });
    const connected = patient.gateway.connect();
    await until(() => expect(patient.gateway.client.unavailableGuilds.size).toBe(1));
    scripted.connections[0]?.send({ op: 0, t: 'GUILD_DELETE', s: 2, d: guilds[0] });
    await connected;

    const hasty = createOneShard(scripted.target, { clientOptions: { guildCreateTimeout: 50 } });
    await hasty.gateway.connect();
    expect(hasty.gateway.client.unavailableGuilds.size).toBe(1);
  });

  it('calls a shard ready when its own guilds are there, whatever another shard waits for', async () => {
    const guildOf = (shardId: number) => ({ id: String((BigInt(shardId) << 22n) + 1n), unavailable: true });
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello();
      connection.socket.once('message', (data) => {
        const [shardId] = JSON.parse(String(data)).d.shard;
        connection.ready({ guilds: [guildOf(shardId)], session_id: `session ${shardId}` });
      });
    });
    const { gateway, states } = createOneShard(scripted.target, {
      shardIds: [0, 1],
      shardCount: 2,
      clientOptions: { guildCreateTimeout: 60_000 },
    });
    const connected = gateway.connect();
    await until(() => expect(gateway.client.unavailableGuilds.size).toBe(2));
    const arrive = (shardId: number) => {
      const connection = scripted.connections.find(({ received }) =>
        JSON.stringify(received).includes(`"shard":[${shardId},2]`),
      );
      const lists = { roles: [], channels: [], threads: [], members: [], presences: [], voice_states: [], emojis: [] };
      const d = { ...guildOf(shardId), unavailable: false, name: 'guild', features: [], stickers: [], ...lists };
      connection?.send({ op: 0, t: 'GUILD_CREATE', s: 2, d });
    };
    arrive(0);
    await until(() => expect(states.at(-1)).toMatchObject({ shardId: 0, state: 'ready', guilds: 1 }));
    arrive(1);
    await connected;
  });

  it('does not declare a shard ready that was released while its guilds arrived', async () => {
    const guilds = [{ id: '175928847299117063', unavailable: true }];
    const scripted = await ScriptedGateway.start((connection) => serve(connection, { guilds }));
    const { gateway, states } = createOneShard(scripted.target, { clientOptions: { guildCreateTimeout: 50 } });
    let ready = 0;
    gateway.client.on('shardReady', () => void ready++);
    const connected = gateway.connect();
    await until(() => expect(gateway.client.unavailableGuilds.size).toBe(1));
    expect(gateway.release()).toHaveLength(1);
    await expect(connected).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    // Longer than eris waits for guilds.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ready).toBe(0);
    expect(states.at(-1)?.state).toBe('released');
  });

  it('does not shake hands again where HELLO, READY or RESUMED comes twice', async () => {
    const scripted = await ScriptedGateway.start((connection) => {
      connection.hello();
      connection.hello();
      connection.socket.on('message', (data) => {
        if (JSON.parse(String(data)).op !== IDENTIFY) return;
        connection.ready();
        connection.ready({ session_id: 'another' });
        connection.send({ op: 0, t: 'RESUMED', s: 2, d: {} });
        connection.hello();
        connection.send({ op: 1 });
      });
    });
    const { gateway, log } = createOneShard(scripted.target);
    await gateway.connect();
    await until(() => expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY, 1]));
    expect(scripted.connections).toHaveLength(1);
    expect(gateway.release()).toMatchObject([{ sessionId: 'session', seq: 1 }]);
    expect(log.lines.filter(({ level }) => level >= 40)).toHaveLength(1);
  });

  it('stays connected where the bot disconnects a shard, or connects it', async () => {
    const scripted = await ScriptedGateway.start((connection) => serve(connection));
    const { gateway, log } = createOneShard(scripted.target);
    await gateway.connect();
    const shard = gateway.client.shards.get(0);
    shard?.disconnect({ reconnect: false });
    gateway.client.disconnect({ reconnect: 'auto' });
    shard?.connect();
    expect(log.lines.filter(({ level }) => level === 40)).toHaveLength(3);
    expect(gateway.statuses()[0]?.state).toBe('ready');
    gateway.release();
    await until(() => expect(scripted.connections[0]?.closeCode).toBe(4901));
    expect(scripted.connections).toHaveLength(1);
  });

  it("does not let the bot connect a client that is the gateway's, or a shard that is another process's", async () => {
    const scripted = await ScriptedGateway.start((connection) => serve(connection));
    const { gateway } = createOneShard(scripted.target);
    await expect(gateway.client.connect()).rejects.toThrow(/not for the bot/);
    await gateway.connect();
    gateway.release();
    gateway.client.shards.get(0)?.connect();
    expect(gateway.statuses()[0]?.state).toBe('released');
    expect(scripted.connections).toHaveLength(1);
  });
});
