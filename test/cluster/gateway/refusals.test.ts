import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { judgeClose, refusal } from '../../../src/cluster/gateway/closeCodes.js';
import type { Gateway } from '../../../src/cluster/gateway/index.js';
import type { DiscordRefusedError } from '../../../src/core/errors.js';
import { Simulator } from '../../../src/simulator/index.js';
import { createGateway, createOneShard, FAST, startSimulator, targetOf, until } from './support.js';

const FATAL: [number, RegExp][] = [
  [4004, /token.*DISCORD_TOKEN/],
  [4010, /shard 0 of 4.*SHARD_COUNT/],
  [4012, /version of the gateway.*update/],
  [4013, /intents/],
  [4014, /Message Content.*developer portal/],
];

describe('a shard that Discord refuses for good', () => {
  it.each(FATAL)('(%i) ends connect() with one line that says what to fix', async (code, line) => {
    const simulator = await startSimulator();
    simulator.faults.closeOnIdentify(code, { shardId: 0 });
    const { gateway, slots, log } = createGateway(simulator);
    const error: DiscordRefusedError = await gateway.connect().then(
      () => expect.unreachable(),
      (thrown: DiscordRefusedError) => thrown,
    );
    expect(error).toMatchObject({ name: 'DiscordRefusedError', code: 'DISCORD_REFUSED', closeCode: code });
    expect(error.message).toMatch(line);
    expect(error.message).not.toContain('\n');
    expect(inspect(error, { showHidden: true }) + log.text()).not.toContain(simulator.token);
    expect(log.lines.filter(({ level }) => level >= 50)).toEqual([]);

    // It does not try again, and the other shards do not stay.
    await until(() => expect(simulator.account.summary().connectionsOpen).toBe(0));
    expect(simulator.account.shard(0).identifies).toHaveLength(1);
    expect(slots.out).toBe(0);
    await expect(gateway.adopt()).rejects.toBe(error);
  });

  it('by the real reasons: a wrong token, a wrong number of shards, intents that are not allowed', async () => {
    const simulator = await startSimulator({ allowedPrivilegedIntents: 0 });
    const wrongToken = createOneShard({ ...targetOf(simulator), token: 'wrong.secret' });
    await expect(wrongToken.gateway.connect()).rejects.toMatchObject({ closeCode: 4004 });
    expect(wrongToken.log.text()).not.toContain('wrong.secret');
    const wrongShard = createGateway(simulator, { shardIds: [4], intents: 1 });
    await expect(wrongShard.gateway.connect()).rejects.toMatchObject({ closeCode: 4010 });
    const wrongIntents = createGateway(simulator);
    await expect(wrongIntents.gateway.connect()).rejects.toMatchObject({ closeCode: 4014 });
  });

  it.each(FATAL)('(%i) while it runs is reported once, without the token, and not retried', async (code) => {
    const simulator = await startSimulator();
    const refused: DiscordRefusedError[] = [];
    const { gateway, states, log } = createGateway(simulator, { onFatal: (error) => void refused.push(error) });
    const errors: unknown[] = [];
    gateway.client.on('error', (error) => void errors.push(error));
    await gateway.connect();
    states.length = 0;
    for (const shardId of [0, 1, 2, 3]) simulator.faults.dropSocket(shardId, { code });
    await until(() => expect(states).toHaveLength(4));
    expect(states.map(({ state }) => state)).toEqual(Array(4).fill('disconnected'));
    expect(refused).toMatchObject([{ closeCode: code }]);
    expect(inspect(errors) + log.text()).not.toContain(simulator.token);
    expect(gateway.release()).toEqual([]);
    expect(simulator.account.summary().connectionsOpen).toBe(0);
    expect(simulator.account.identifies).toHaveLength(4);
  });

  it('survives an onFatal that throws', async () => {
    const simulator = await startSimulator();
    const { gateway, log } = createGateway(simulator, {
      onFatal: () => {
        throw new Error('no idea what to do');
      },
    });
    await gateway.connect();
    simulator.faults.dropSocket(0, { code: 4004 });
    await until(() => expect(log.text()).toContain('no idea what to do'));
  });
});

describe('a shard that is in too many guilds (4011)', () => {
  const OVERFULL = { ...FAST, overfullBaseMs: 300, overfullMaxMs: 1_200 };
  const stateOf = (gateway: Gateway, shardId: number) =>
    gateway.statuses().find((status) => status.shardId === shardId)?.state;

  it('fails alone: connect() resolves with the others, and one error says what to do', async () => {
    const simulator = await startSimulator();
    simulator.faults.closeOnIdentify(4011, { shardId: 2, times: 10 });
    const refused: DiscordRefusedError[] = [];
    const { gateway, slots, log } = createGateway(simulator, { onFatal: (error) => void refused.push(error) });
    await gateway.connect();
    expect([0, 1, 2, 3].map((shardId) => stateOf(gateway, shardId))).toEqual(['ready', 'ready', 'failed', 'ready']);
    expect(log.lines.filter(({ level }) => level >= 50)).toEqual([
      expect.objectContaining({ shardId: 2, msg: expect.stringMatching(/FAILED.*4011.*Raise SHARD_COUNT from 4/) }),
    ]);
    expect(refused).toEqual([]);
    expect(simulator.account.shard(2).identifies).toHaveLength(1);
    expect(slots.out).toBe(0);
    // The pause is a quarter of an hour, give or take a quarter.
    expect(log.lines.find(({ pauseMs }) => pauseMs !== undefined)?.pauseMs).toBeGreaterThan(11 * 60_000);
  });

  it('is tried again after pauses that grow, stays failed meanwhile, and is ready once Discord takes it', async () => {
    const simulator = await startSimulator();
    simulator.faults.closeOnIdentify(4011, { shardId: 2, times: 3 });
    const { gateway, states, log } = createGateway(simulator, { timings: OVERFULL });
    await gateway.connect();
    await until(() => expect(stateOf(gateway, 2)).toBe('ready'));
    const pauses = log.lines.flatMap(({ pauseMs }) => (typeof pauseMs === 'number' ? [pauseMs] : []));
    expect(pauses).toHaveLength(3);
    for (const [i, pauseMs] of pauses.entries()) {
      expect(pauseMs).toBeGreaterThanOrEqual(300 * 2 ** i * 0.75);
      expect(pauseMs).toBeLessThanOrEqual(300 * 2 ** i * 1.25);
    }
    const seen = states.filter(({ shardId }) => shardId === 2).map(({ state }) => state);
    expect(seen.slice(seen.indexOf('failed'))).toEqual(['failed', 'ready']);
    const times = simulator.account.shard(2).identifies.map(({ at }) => at);
    for (const [i, pauseMs] of pauses.entries())
      expect((times[i + 1] ?? 0) - (times[i] ?? 0)).toBeGreaterThan(pauseMs - 20);
    // What it does from now on is what any shard does.
    simulator.faults.dropSocket(2, { terminate: true });
    await until(() => expect(simulator.account.summary().resumes).toBe(1));
  });

  it('while it runs loses its session, and no other shard does', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    simulator.faults.dropSocket(1, { code: 4011 });
    await until(() => expect(stateOf(gateway, 1)).toBe('failed'));
    expect(gateway.release().map(({ shardId }) => shardId)).toEqual([0, 2, 3]);
    // Nothing waits for it when the shards are taken back.
    simulator.faults.closeOnIdentify(4011, { shardId: 1 });
    await gateway.adopt();
    expect([0, 1, 2, 3].map((shardId) => stateOf(gateway, shardId))).toEqual(['ready', 'failed', 'ready', 'ready']);
  });

  it('leaves no timer behind when the gateway stops', async () => {
    const simulator = await startSimulator();
    simulator.faults.closeOnIdentify(4011, { shardId: 2, times: 10 });
    const { gateway, slots } = createGateway(simulator, { timings: { ...FAST, overfullBaseMs: 50 } });
    await gateway.connect();
    await gateway.stop();
    const { length } = slots.asked;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(slots.asked).toHaveLength(length);
    expect(simulator.account.summary().connectionsOpen).toBe(0);
  });

  it('by the real reason: 2501 guilds', async () => {
    const guildShape = { channels: 1, roles: 1, members: 1, threads: 0, emojis: 0, presences: 0 };
    const simulator = await startSimulator({ guildCount: 2_501, guildShape });
    const { gateway } = createOneShard(simulator);
    await gateway.connect();
    expect(stateOf(gateway, 0)).toBe('failed');
    expect(simulator.account.violations.map(({ kind }) => kind)).toEqual(['shardingRequired']);
  });
});

describe('judgeClose', () => {
  it('takes every unknown code for one after which the session can be resumed', () => {
    for (const code of [1000, 1001, 1005, 1006, 1012, 4000, 4001, 4002, 4005, 4008, 4999])
      expect(judgeClose(code)).toBe('resume');
  });

  it('names the privileged intents that were asked for', () => {
    const { message } = refusal(4014, { shardId: 0, shardCount: 1, intents: (1 << 1) | (1 << 8) });
    expect(message).toContain('Server Members, Presence');
    expect(message).not.toContain('Message Content');
  });
});

it('refuses at once what is no URL', () => {
  const simulator = new Simulator();
  const target = { token: simulator.token, apiUrl: 'http://127.0.0.1:1', gatewayUrl: 'ws://127.0.0.1:1' };
  expect(() => createOneShard({ ...target, gatewayUrl: 'nonsense' })).toThrow(TypeError);
  expect(() => createOneShard({ ...target, gatewayUrl: 'ftp://host' })).toThrow(TypeError);
  expect(() => createOneShard({ ...target, apiUrl: 'nonsense' })).toThrow(TypeError);
});
