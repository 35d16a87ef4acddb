import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterContext } from '../../../src/cluster/ClusterContext.js';
import { ErisAdapter } from '../../../src/cluster/clients/eris/ErisAdapter.js';
import { createCommands } from '../../../src/cluster/commands/commands.js';
import {
  evaluateIn,
  type MasterEventDependencies,
  type MasterEventTable,
  masterEventTable,
} from '../../../src/cluster/events/masterEventTable.js';
import { GatewayLog } from '../../../src/cluster/gateway/index.js';
import { getStats } from '../../../src/cluster/stats/getStats.js';
import { RestMeter } from '../../../src/cluster/stats/RestMeter.js';
import type { LogLevel } from '../../../src/core/settings/settings.js';
import { noDispatch } from '../commands/FakeDiscord.js';

const TOKEN = 'very-secret-token';
const GUILD_ID = String((210_000_000_003n << 22n) + 1n);
const TEXT_ID = '210000000000000001';
const THREAD_ID = '210000000000000002';
const USER_ID = '210000000000000003';

let context: ClusterContext;
let adapter: ErisAdapter;

/** An eris client that holds one guild, as GUILD_CREATE would have filled it. */
beforeEach(() => {
  const log = new GatewayLog(pino({ level: 'silent' }), TOKEN);
  adapter = new ErisAdapter({ token: TOKEN, apiUrl: 'http://127.0.0.1:1', shardIds: [3], shardCount: 8, log });
  const user = { id: USER_ID, username: 'ann', discriminator: '0', avatar: null };
  adapter.cacheGuild(3, {
    id: GUILD_ID,
    name: 'Golden Apples',
    owner_id: USER_ID,
    member_count: 2,
    roles: [],
    channels: [{ id: TEXT_ID, type: 0, name: 'general', position: 0, permission_overwrites: [] }],
    threads: [{ id: THREAD_ID, type: 11, name: 'a thread', parent_id: TEXT_ID, thread_metadata: {} }],
    members: [{ user, roles: [] }],
    emojis: [],
    stickers: [],
    features: [],
  });
  context = {
    clusterId: 1,
    clusterCount: 2,
    shardCount: 8,
    client: adapter.client,
    master: { request: () => Promise.reject(new Error('not asked here')) },
    ownerIds: new Set(),
    latencyMs: () => 4,
    ...noDispatch,
  };
});

function table(parts: Partial<MasterEventDependencies> = {}): MasterEventTable {
  const notAsked = () => Promise.reject(new Error('not asked here'));
  const served = { evaluate: notAsked, getStats: notAsked, runJob: notAsked };
  const shards = { releaseShards: notAsked, adoptShards: notAsked };
  const place = { clusterId: 1, shardCount: 8, client: adapter };
  return masterEventTable({ ...place, commands: [], logger: { level: 'info' }, ...served, ...shards, ...parts });
}

/** Replies cross to the master as JSON. */
const overTheWire = (reply: unknown): unknown => JSON.parse(JSON.stringify(reply));

describe('findGuild', () => {
  it('gives the guild and where it is', () => {
    expect(overTheWire(table().findGuild({ guildId: GUILD_ID }))).toEqual({
      id: GUILD_ID,
      name: 'Golden Apples',
      memberCount: 2,
      channelCount: 1,
      ownerId: USER_ID,
      shardId: 3,
      clusterId: 1,
    });
  });

  it('gives null for a guild of others', () => {
    expect(table().findGuild({ guildId: '1' })).toBeNull();
  });
});

describe('findUser', () => {
  it('gives a user that this cluster has seen, or null', () => {
    expect(overTheWire(table().findUser({ userId: USER_ID }))).toEqual({
      id: USER_ID,
      username: 'ann',
      bot: false,
      clusterId: 1,
    });
    expect(table().findUser({ userId: '1' })).toBeNull();
  });
});

describe('findChannel', () => {
  it('gives channels and threads, or null', () => {
    const find = table().findChannel;
    expect(overTheWire(find({ channelId: TEXT_ID }))).toEqual({
      id: TEXT_ID,
      name: 'general',
      type: 0,
      guildId: GUILD_ID,
      clusterId: 1,
    });
    expect(find({ channelId: THREAD_ID })).toMatchObject({ name: 'a thread', type: 11, guildId: GUILD_ID });
    expect(find({ channelId: '1' })).toBeNull();
    expect(find({ channelId: '' })).toBeNull();
  });
});

describe('getStats', () => {
  it('gives what this process holds and has done', () => {
    const commands = { handled: 5, latency: () => ({ p50: 2, p99: 7 }) };
    const counts = { identifies: 1, resumes: 2 };
    const shards = [
      { shardId: 2, state: 'ready', latencyMs: 4, guilds: 1, events: 1000, ...counts },
      { shardId: 3, state: 'idle', latencyMs: null, guilds: 0, events: 234, ...counts },
    ] as const;
    const rest = new RestMeter();
    rest.note(200, 20);
    rest.note(200, 120);
    rest.note(429, 20_000);
    const stats = getStats({
      clusterId: 1,
      startedAt: 0,
      client: adapter,
      commands,
      gateway: { statuses: () => shards },
      stores: { resumable: 1, givenUp: 2 },
      loopLag: { read: () => ({ p50Ms: 1, p99Ms: 2, maxMs: 3 }) },
      rest,
    });
    expect(overTheWire(stats())).toEqual({
      clusterId: 1,
      pid: process.pid,
      uptimeMs: expect.any(Number),
      rssBytes: expect.any(Number),
      heapBytes: expect.any(Number),
      cpuSeconds: expect.any(Number),
      loopLag: { p50Ms: 1, p99Ms: 2, maxMs: 3 },
      guilds: 1,
      users: 1,
      shards,
      resumable: 1,
      givenUp: 2,
      events: 1234,
      commands: 5,
      commandLatencyMs: { p50: 2, p99: 7 },
      rest: { byStatus: { 200: 2, 429: 1 }, latency: { buckets: [1, 0, 0, 1, 0, 0, 0, 0, 0, 1], sumMs: 20_140 } },
    });
  });
});

describe('evaluate', () => {
  const run = (code: string) =>
    evaluateIn(context, (text) => text.replaceAll('very-secret-token', '[redacted]'))({ code });

  it('sees the client and the cluster', async () => {
    expect(await run('[client.guilds.size, cluster.shardCount]')).toEqual({
      target: 'cluster 1',
      ok: true,
      output: '[ 1, 8 ]',
    });
  });

  it('gives an error as a result', async () => {
    expect(await run('client.nothing.at.all')).toMatchObject({
      target: 'cluster 1',
      ok: false,
      output: expect.stringMatching(/^TypeError: /),
    });
  });

  it('never shows the token', async () => {
    expect((await run('client._token')).output).toBe('"Bot [redacted]"');
    for (const code of ['client', 'cluster', 'client.requestHandler', '[client]']) {
      const { ok, output } = await run(code);
      expect(ok).toBe(true);
      expect(output).not.toContain('very-secret-token');
    }
  });
});

describe('describeCommands', () => {
  it('gives the definitions of all commands', async () => {
    const commands = createCommands({ evaluate: evaluateIn(context, String) });
    const definitions = await table({ commands }).describeCommands(undefined);
    expect(definitions.map(({ name }) => name)).toEqual(commands.map(({ definition }) => definition.name));
    expect(overTheWire(definitions)).toEqual(definitions);
  });
});

describe('setLogLevel', () => {
  it('changes the level of the logger, and refuses one that it does not know', () => {
    const logger = pino({ level: 'info' });
    table({ logger }).setLogLevel({ level: 'debug' });
    expect(logger.level).toBe('debug');
    expect(() => table({ logger }).setLogLevel({ level: 'loud' as LogLevel })).toThrow(/loud/);
    expect(logger.level).toBe('debug');
  });
});
