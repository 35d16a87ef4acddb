import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RateWindow } from '../../../src/cluster/gateway/RateWindow.js';
import { SendQueue } from '../../../src/cluster/gateway/SendQueue.js';
import { createOneShard, type Opened, type ScriptedConnection, ScriptedGateway, until } from './support.js';

const HEARTBEAT = 1;
const IDENTIFY = 2;
const PRESENCE = 3;
const VOICE_STATE = 4;
const RESUME = 6;

describe('RateWindow', () => {
  it('lets as many happen as are allowed in any interval, and says when the next may', () => {
    const window = new RateWindow(3, 1_000);
    for (const now of [0, 100, 200]) {
      expect(window.delayMs(now, 0)).toBe(0);
      window.note(now);
    }
    expect(window.delayMs(300, 0)).toBe(700);
    expect(window.delayMs(1_000, 0)).toBe(0);
    window.note(1_000);
    expect(window.delayMs(1_000, 0)).toBe(100);
  });

  it('keeps some back', () => {
    const window = new RateWindow(3, 1_000);
    window.note(0);
    expect(window.delayMs(10, 1)).toBe(0);
    window.note(10);
    expect(window.delayMs(20, 1)).toBe(980);
    expect(window.delayMs(20, 0)).toBe(0);
  });
});

describe('SendQueue', () => {
  it('sends 115 a minute, and heartbeats beyond that', () => {
    const sent: string[] = [];
    const queue = new SendQueue((text) => void sent.push(text));
    for (let i = 0; i < 200; i++) queue.push(VOICE_STATE, String(i));
    expect(sent).toEqual(Array.from({ length: 115 }, (_, i) => String(i)));
    queue.sendNow('heartbeat');
    expect(sent.at(-1)).toBe('heartbeat');
    queue.close();
  });

  it('sends five presences in 20 s, then only the last, and holds nothing else up for it', () => {
    const sent: string[] = [];
    const queue = new SendQueue((text) => void sent.push(text));
    for (let i = 0; i < 8; i++) queue.push(PRESENCE, `presence ${i}`);
    queue.push(VOICE_STATE, 'voice');
    expect(sent).toEqual([0, 1, 2, 3, 4].map((i) => `presence ${i}`).concat('voice'));
    expect(queue.holdsPresence).toBe(true);
    queue.close();
  });
});

/** Answers IDENTIFY and RESUME. */
function serve(connection: ScriptedConnection): void {
  connection.hello();
  connection.socket.on('message', (data) => {
    const { op } = JSON.parse(String(data));
    if (op === IDENTIFY) connection.ready();
    if (op === RESUME) connection.send({ op: 0, t: 'RESUMED', s: 2, d: {} });
  });
}

const received = (connection: ScriptedConnection | undefined, op: number) =>
  connection?.received.filter((payload) => payload.op === op) ?? [];

async function start(): Promise<Opened & { scripted: ScriptedGateway }> {
  const scripted = await ScriptedGateway.start(serve);
  return { ...createOneShard(scripted.target), scripted };
}

describe('what the client sends', () => {
  it('is refused where it is too large, with an error that says so, and nothing is sent', async () => {
    const { gateway, scripted } = await start();
    await gateway.connect();
    const shard = gateway.client.shards.get(0);
    const name = 'ä'.repeat(2_100);
    expect(() => shard?.editStatus('idle', [{ name, type: 0 }])).toThrow(/^Opcode 3 with \d+ bytes: .* 4096$/);
    shard?.editStatus('dnd', []);
    await until(() => expect(received(scripted.connections[0], PRESENCE)).toHaveLength(1));
    expect(received(scripted.connections[0], PRESENCE)[0]?.d).toMatchObject({ status: 'dnd' });
  });

  it('is refused where it is for the shard itself to send', async () => {
    const { gateway, scripted } = await start();
    await gateway.connect();
    const shard = gateway.client.shards.get(0);
    for (const op of [1, IDENTIFY, RESUME]) expect(() => shard?.sendWS(op, {})).toThrow(TypeError);
    shard?.heartbeat(true);
    await sleep(20);
    expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY]);
  });

  it('before the login is dropped, but for the presence, which IDENTIFY holds', async () => {
    const { gateway, scripted } = await start();
    const shard = gateway.client.shards.get(0);
    gateway.client.editStatus('dnd', { name: 'chess', type: 0 });
    shard?.sendWS(VOICE_STATE, { guild_id: '1', channel_id: null, self_mute: false, self_deaf: false });
    await gateway.connect();
    shard?.sendWS(VOICE_STATE, { guild_id: '2', channel_id: null, self_mute: false, self_deaf: false });
    await until(() => expect(received(scripted.connections[0], VOICE_STATE)).toHaveLength(1));
    expect(received(scripted.connections[0], IDENTIFY)[0]?.d).toMatchObject({
      presence: { status: 'dnd', activities: [{ name: 'chess', type: 0 }] },
    });
    expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY, VOICE_STATE]);
  });

  it('as a presence that does not fit into IDENTIFY is sent right after it', async () => {
    const { gateway, scripted } = await start();
    gateway.client.editStatus('dnd', { name: 'x'.repeat(3_950), type: 0 });
    await gateway.connect();
    await until(() => expect(scripted.connections[0]?.opcodes()).toEqual([IDENTIFY, PRESENCE]));
    expect(received(scripted.connections[0], IDENTIFY)[0]?.d).not.toHaveProperty('presence');
  });
});

describe('the presence that an earlier process has set', () => {
  /** What that process gave to its store. */
  async function kept(): Promise<object> {
    const scripted = await ScriptedGateway.start(serve);
    const presences: object[] = [];
    const { gateway } = createOneShard(scripted.target, {
      onPresence: (_shardId, presence) => presences.push(presence),
    });
    await gateway.connect();
    gateway.client.editStatus('dnd', { name: 'chess', type: 0 });
    expect(presences).toHaveLength(1);
    // As a store has it.
    return JSON.parse(JSON.stringify(presences[0]));
  }
  const CHESS = { status: 'dnd', activities: [{ name: 'chess', type: 0 }] };

  it('is in IDENTIFY, and what the library believes', async () => {
    const { gateway, scripted } = await start();
    gateway.restorePresence(0, await kept());
    expect(scripted.connections).toEqual([]);
    expect(gateway.client.presence).toMatchObject(CHESS);
    expect(gateway.client.shards.get(0)?.presence).toMatchObject(CHESS);
    await gateway.connect();
    expect(received(scripted.connections[0], IDENTIFY)[0]?.d).toMatchObject({ presence: CHESS });
    expect(gateway.client.shards.get(0)?.presence).toMatchObject(CHESS);
    gateway.client.editStatus('idle');
    await until(() => expect(received(scripted.connections[0], PRESENCE)).toHaveLength(1));
    expect(received(scripted.connections[0], PRESENCE)[0]?.d).toMatchObject({ ...CHESS, status: 'idle' });
  });

  it('is sent once more after RESUMED: nobody knows whether it was', async () => {
    const { gateway, scripted } = await start();
    gateway.restorePresence(0, await kept());
    await gateway.connect([{ shardId: 0, sessionId: 's', seq: 1, resumeUrl: scripted.target.gatewayUrl }]);
    await until(() => expect(scripted.connections[0]?.opcodes()).toEqual([RESUME, PRESENCE, HEARTBEAT]));
    expect(received(scripted.connections[0], PRESENCE)[0]?.d).toMatchObject(CHESS);
  });

  it("is outdated where the bot's options ask for another than at that time", async () => {
    const { gateway, scripted } = await start();
    gateway.restorePresence(0, { ...(await kept()), initial: { status: 'invisible' } });
    await gateway.connect();
    expect(received(scripted.connections[0], IDENTIFY)[0]?.d).toMatchObject({ presence: { status: 'online' } });
    expect(gateway.client.presence.status).toBe('online');
  });
});

it('a heartbeat that Discord asks for is sent at once, with the number of the last dispatch', async () => {
  const { gateway, scripted } = await ScriptedGateway.start(serve).then((scripted) => ({
    ...createOneShard(scripted.target),
    scripted,
  }));
  await gateway.connect();
  scripted.connections[0]?.send({ op: 0, t: 'TYPING_START', s: 7, d: {} });
  scripted.connections[0]?.send({ op: 1 });
  await until(() => expect(received(scripted.connections[0], 1)).toEqual([{ op: 1, d: 7 }]));
});
