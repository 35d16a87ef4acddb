import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeFleet } from '../../../bench/admin/FakeFleet.js';
import type { AdminStatus, LogLine } from '../../../src/core/contracts/AdminApi.js';
import { KallistiError, RequestTimeoutError } from '../../../src/core/errors.js';
import { World } from './World.js';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const cluster = (id: number) => {
  const found = world.fleet.clusters.all[id];
  if (found === undefined) throw new Error(`no cluster ${id}`);
  return found;
};
const status = async (): Promise<AdminStatus> => (await world.call('/api/status')).json as AdminStatus;

describe('GET /api/status', () => {
  it('tells everything of the master, the clusters and their shards', async () => {
    cluster(0).events = 1_000;
    cluster(0).commands = 10;
    cluster(0).send('shardsArrived', [{ shardId: 1, by: 'resumed', replayed: 3, pauseMs: 45 }]);
    const { history, master, clusters, ...rest } = await status();
    expect(master).toMatchObject({ pid: process.pid, version: '0.1.0', logLevel: 'debug', localDiscord: true });
    expect(rest).toMatchObject({
      phase: 'running',
      shardCount: 4,
      restart: null,
      spares: { wanted: 1, ready: 1, loading: 0, rssBytes: 60_000_000 },
      identify: { remaining: 900, total: 1000, reserve: 100, waiting: [], slots: [], heldUp: null },
      totals: { clustersReady: 2, shardsReady: 4, guilds: 4_000, events: 1_000, commands: 10, shardLatencyMs: 40 },
    });
    expect(clusters).toHaveLength(2);
    expect(rest.totals.rssBytes).toBe(master.rssBytes + 2 * 150_000_000 + 60_000_000);
    expect(clusters[0]).toMatchObject({
      clusterId: 0,
      state: 'ready',
      problem: null,
      pid: 10_000,
      generation: 1,
      successor: null,
      rssBytes: 150_000_000,
      heapBytes: 60_000_000,
      loopLag: { p50Ms: 0.1, p99Ms: 2.5, maxMs: 31 },
      commandLatencyMs: { p50: 25, p99: 180.1 },
      events: 1_000,
      restarts: { count: 0, recent: [] },
    });
    expect(clusters[0]?.shards).toEqual([
      { shardId: 0, state: 'ready', latencyMs: 40, guilds: 1_000, lastArrival: null },
      {
        shardId: 1,
        state: 'ready',
        latencyMs: 40,
        guilds: 1_000,
        lastArrival: { by: 'resumed', replayed: 3, pauseMs: 45, at: expect.any(Number) },
      },
    ]);
    expect(history.stepMs).toBe(10_000);
    expect(history.at).toHaveLength(history.rssBytes.length);
  });

  it('asks the clusters once a second, however many want to know', async () => {
    const before = cluster(0).asked;
    await Promise.all(Array.from({ length: 50 }, () => status()));
    expect(cluster(0).asked - before).toBeLessThanOrEqual(1);
  });

  it('says what is wrong with a cluster, and waits for none that hangs', async () => {
    await status();
    cluster(1).hangs = true;
    cluster(0).state = 'ended';
    world.fleet.states.set(0, 'backingOff');
    world.fleet.retries.set(0, 1_800_000_000_000);
    world.fleet.histories.set(0, {
      entries: [{ at: 1, cause: 'crash', reason: 'was killed by SIGKILL\nIts last log lines:\n...' }],
      counts: new Map([['crash', 3]]),
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // The other one never answers.
    const { clusters } = await status();
    expect(clusters[0]).toMatchObject({
      state: 'crashed',
      problem: 'was killed by SIGKILL',
      retryAt: 1_800_000_000_000,
      pid: null,
      guilds: null,
      restarts: { count: 3, recent: [{ at: 1, cause: 'crash', reason: 'was killed by SIGKILL' }] },
    });
    expect(clusters[0]?.shards.map(({ state }) => state)).toEqual(['idle', 'idle']);
    // Its last numbers are shown until it is known to be silent.
    expect(clusters[1]).toMatchObject({ state: 'ready', guilds: 2_000 });
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await status()).clusters[1]?.problem).toMatch(/^has not answered for \d s$/);
  });

  it('shows a cluster that waits to identify, one that drains, and one that has failed', async () => {
    cluster(0).state = 'starting';
    world.fleet.waiting.push(1);
    cluster(1).state = 'stopping';
    expect((await status()).clusters.map(({ state }) => state)).toEqual(['waiting', 'draining']);
    cluster(0).state = 'ended';
    cluster(1).state = 'ended';
    world.fleet.states.set(0, 'failed');
    world.fleet.states.set(1, 'stopped');
    expect((await status()).clusters.map(({ state }) => state)).toEqual(['failed', 'starting']);
    world.stopping.abort();
    expect(await status()).toMatchObject({
      phase: 'stopping',
      clusters: [{ state: 'draining' }, { state: 'draining' }],
    });
  });
});

describe('before there are clusters', () => {
  it('the status says so, readyz is not ready, and what needs them is refused', async () => {
    await world.stop();
    world = new World();
    await world.admin.start();
    expect(await status()).toMatchObject({ phase: 'starting', clusters: [], spares: null, identify: null });
    expect(await world.call('/readyz')).toMatchObject({ status: 503, json: { reason: 'the master is starting' } });
    expect((await world.call('/healthz')).status).toBe(200);
    expect(await world.call('/api/restart', { body: {} })).toMatchObject({
      status: 503,
      json: { error: { code: 'NOT_RUNNING', retryable: true } },
    });
    expect((await world.call('/metrics')).text).toContain('kallisti_clusters 0');
  });
});

describe('GET /readyz', () => {
  it('is 503 with the clusters that are not ready', async () => {
    cluster(1).state = 'starting';
    expect(await world.call('/readyz', { token: null })).toMatchObject({
      status: 503,
      json: {
        ready: false,
        reason: 'not ready: cluster 1 (starting)',
        notReady: [{ clusterId: 1, state: 'starting' }],
      },
    });
    cluster(1).state = 'ready';
    expect((await world.call('/readyz', { token: null })).status).toBe(200);
    world.stopping.abort();
    expect((await world.call('/readyz', { token: null })).status).toBe(503);
  });
});

describe('GET /api/find', () => {
  it('finds a guild, a user and a channel', async () => {
    const guild = { id: '1234567890123456', name: 'Eris' };
    for (const each of world.fleet.clusters.all) each.answers.findGuild = () => guild;
    cluster(1).answers.findUser = ({ userId }: { userId: string }) => ({ id: userId });
    expect((await world.call('/api/find/guild/1234567890123456')).json).toEqual({ guild });
    expect((await world.call('/api/find/user/1234567890123456')).json).toEqual({ user: { id: '1234567890123456' } });
    expect((await world.call('/api/find/channel/1234567890123456')).json).toEqual({ channel: null });
  });

  it('says that it cannot know where a cluster that may have it is down', async () => {
    cluster(1).state = 'ended';
    expect(await world.call('/api/find/user/1234567890123456')).toMatchObject({
      status: 503,
      json: { error: { code: 'WORKER_NOT_FOUND', retryable: true } },
    });
  });

  it('refuses what is no id', async () => {
    for (const id of ['x', '0', '-1', '1e5', '9'.repeat(30), '99999999999999999999', '%00', '12345678901234567%20']) {
      const { status: code, json } = await world.call(`/api/find/guild/${id}`);
      expect([id, code, json]).toMatchObject([id, 400, { error: { code: 'INVALID_REQUEST' } }]);
    }
  });
});

describe('logs', () => {
  const push = (id: number, time: number, msg: string, level = 30): void =>
    cluster(id).logTail.push(JSON.stringify({ level, time, pid: 1, kind: 'cluster', id, msg }));
  const lines = async (path: string): Promise<readonly LogLine[]> =>
    ((await world.call(path)).json as { lines: LogLine[] }).lines;

  it('of one cluster, the last first life included after a crash', async () => {
    push(0, 1_000, 'one');
    push(0, 2_000, 'two', 50);
    push(1, 1_500, 'of another');
    expect(await lines('/api/clusters/0/logs')).toEqual([
      { clusterId: 0, time: 1_000, level: 'info', text: expect.stringMatching(/INFO: cluster 0: one$/) },
      { clusterId: 0, time: 2_000, level: 'error', text: expect.stringMatching(/ERROR: cluster 0: two$/) },
    ]);
    expect(await lines('/api/clusters/0/logs?lines=1')).toMatchObject([{ time: 2_000 }]);
    const next = new FakeFleet(1, 2).clusters.all[0];
    world.fleet.clusters.emit('spawningworker', next);
    next?.logTail.push(JSON.stringify({ level: 30, time: 3_000, kind: 'cluster', id: 0, msg: 'three' }));
    expect((await lines('/api/clusters/0/logs')).map(({ time }) => time)).toEqual([1_000, 2_000, 3_000]);
  });

  it('of everybody, by time', async () => {
    push(0, 3_000, 'three');
    push(1, 1_000, 'one');
    world.masterTail.push(JSON.stringify({ level: 40, time: 2_000, kind: 'master', msg: 'two' }));
    const all = await lines('/api/logs');
    expect(all.map(({ clusterId, time }) => [clusterId, time])).toEqual([
      [1, 1_000],
      [null, 2_000],
      [0, 3_000],
    ]);
  });

  it('refuses a cluster that does not exist, and a number of lines that is none', async () => {
    expect((await world.call('/api/clusters/2/logs')).status).toBe(404);
    expect((await world.call('/api/clusters/x/logs')).status).toBe(400);
    expect((await world.call('/api/logs?lines=-1')).status).toBe(400);
    expect((await world.call('/api/logs?line=1')).status).toBe(400);
  });
});

describe('POST /api/restart', () => {
  it('begins, and says who asked', async () => {
    expect(await world.call('/api/restart', { body: { clusterIds: [1] } })).toMatchObject({
      status: 202,
      json: { id: 'a-restart', clusterIds: [1] },
    });
    expect(await world.call('/api/restart', { method: 'POST' })).toMatchObject({ json: { clusterIds: [0, 1] } });
    expect(world.fleet.restart.begun).toEqual([
      { clusterIds: [1], requestedBy: expect.stringMatching(/^the admin token from .*127\.0\.0\.1$/) },
      { requestedBy: expect.stringMatching(/^the admin token from/) },
    ]);
    expect(world.log.lines).toContainEqual(
      expect.objectContaining({ msg: 'admin: restarts clusters', clusters: [1], admin: expect.stringMatching(/127/) }),
    );
  });

  it('is refused while another one rolls, or where the budget does not allow it', async () => {
    for (const code of ['RESTART_IN_PROGRESS', 'IDENTIFY_BUDGET_SPENT'] as const) {
      world.fleet.restart.begin = () => {
        throw new KallistiError(code, 'not now');
      };
      expect(await world.call('/api/restart', { body: {} })).toMatchObject({ status: 409, json: { error: { code } } });
    }
  });

  it.each([
    [{ clusterIds: [2] }, 404],
    [{ clusterIds: [] }, 400],
    [{ clusterIds: [-1] }, 400],
    [{ clusterIds: '1' }, 400],
    [{ clusterId: 1 }, 400],
    [[], 400],
    ['1', 400],
    [null, 202],
  ])('answers %j with %i', async (body, expected) => {
    expect((await world.call('/api/restart', { body })).status).toBe(expected);
    if (expected !== 202) expect(world.fleet.restart.begun).toEqual([]);
  });
});

describe('POST /api/eval', () => {
  it('is off by default, and who tried is in the log', async () => {
    const evaluated: unknown[] = [];
    for (const each of world.fleet.clusters.all) each.answers.evaluate = (data: never) => evaluated.push(data);
    expect(await world.call('/api/eval', { body: { code: '1', target: 'all' } })).toMatchObject({
      status: 403,
      json: { error: { code: 'EVAL_DISABLED' } },
    });
    expect(evaluated).toEqual([]);
    expect(world.messages()).toContain('admin: was refused to run code');
  });

  it('runs code on one cluster, on all, and in the master where it is on', async () => {
    await world.stop();
    world = await World.start({ config: { allowsEval: true } });
    const run = async (target: unknown) => (await world.call('/api/eval', { body: { code: '1+1', target } })).json;
    expect(await run('all')).toEqual({
      results: [
        { target: 'cluster 0', ok: true, output: '1+1' },
        { target: 'cluster 1', ok: true, output: '1+1' },
      ],
    });
    expect(await run('master')).toEqual({ results: [{ target: 'master', ok: true, output: '1+1' }] });
    expect(await run({ clusterId: 1 })).toEqual({ results: [{ target: 'cluster 1', ok: true, output: '1+1' }] });
    expect(await run({ clusterId: 2 })).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(await run('everything')).toMatchObject({ error: { code: 'INVALID_REQUEST' } });
    expect(world.log.lines).toContainEqual(
      expect.objectContaining({ msg: 'admin: runs code', target: 'cluster 1', code: '1+1' }),
    );
  });
});

describe('POST /api/loglevel', () => {
  it('sets that of one cluster, or of the master and all', async () => {
    const set: unknown[] = [];
    for (const each of world.fleet.clusters.all) {
      each.answers.setLogLevel = ({ level }: { level: string }) => set.push([each.id, level]);
    }
    expect((await world.call('/api/loglevel', { body: { level: 'trace', clusterId: 1 } })).json).toEqual({
      level: 'trace',
      clusterIds: [1],
    });
    expect(world.log.logger.level).toBe('debug');
    expect((await world.call('/api/loglevel', { body: { level: 'warn' } })).json).toEqual({
      level: 'warn',
      clusterIds: [0, 1],
    });
    expect(world.log.logger.level).toBe('warn');
    expect(set).toEqual([
      [1, 'trace'],
      [0, 'warn'],
      [1, 'warn'],
    ]);
    expect((await world.call('/api/loglevel', { body: { level: 'loud' } })).status).toBe(400);
  });

  it('silences nothing of what is done here', async () => {
    expect((await world.call('/api/loglevel', { body: { level: 'silent' } })).status).toBe(200);
    await world.logIn();
    await world.call('/api/restart', { body: { clusterIds: [1] } });
    expect(world.messages()).toEqual(
      expect.arrayContaining(['admin: somebody logged in to the status page', 'admin: restarts clusters']),
    );
  });

  it('says that a cluster did not answer', async () => {
    cluster(1).answers.setLogLevel = () => {
      throw new RequestTimeoutError('setLogLevel', 10);
    };
    expect(await world.call('/api/loglevel', { body: { level: 'warn' } })).toMatchObject({
      status: 503,
      json: { error: { code: 'REQUEST_TIMEOUT', retryable: true } },
    });
  });
});

describe('POST /api/stop', () => {
  it('answers first, then stops the bot', async () => {
    expect(await world.call('/api/stop', { method: 'POST' })).toMatchObject({
      status: 202,
      json: { status: 'stopping' },
    });
    expect(world.stopRequests).toBe(1);
    expect(world.messages()).toContain('admin: stops the bot');
  });
});

describe('a bug of ours', () => {
  it('is in the log with its stack, and the caller learns nothing of it', async () => {
    world.fleet.queue.state = () => {
      throw new Error('the secret inside');
    };
    const { status: code, text } = await world.call('/api/status');
    expect([code, JSON.parse(text)]).toMatchObject([500, { error: { code: 'INTERNAL' } }]);
    expect(text).not.toContain('secret inside');
    expect(world.log.lines).toContainEqual(
      expect.objectContaining({
        msg: 'the admin API failed',
        err: expect.objectContaining({ message: 'the secret inside' }),
      }),
    );
  });
});
