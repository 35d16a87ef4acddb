import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RestartStatus } from '../../../src/core/contracts/AdminApi.js';
import type { ShardState } from '../../../src/core/contracts/ClusterContract.js';
import { KallistiError } from '../../../src/core/errors.js';
import { FleetRestart } from '../../../src/master/restart/FleetRestart.js';
import { type FakeCluster, FakeClusters } from '../../support/FakeClusters.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const ARRIVAL = { shardId: 0, by: 'resumed', replayed: 3, pauseMs: 40 } as const;

/** What a cluster of one shard answers to `getStats`. */
const stats = (state: ShardState = 'ready', resumable = 1) => ({ shards: [{ shardId: 0, state }], resumable });

/** A fleet that serves. Every new process gets ready after a second, and says that all is well. */
function setUp({ clusterCount = 2, affordable = Number.POSITIVE_INFINITY } = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const clusters = new FakeClusters(clusterCount);
  const heard: RestartStatus[] = [];
  const replaced: number[] = [];
  const priced: number[] = [];
  const told: string[] = [];
  const edits: { where: string; text: string }[] = [];
  const edit = async (where: string, text: string): Promise<void> => void edits.push({ where, text });
  const restart = new FleetRestart({
    clusters,
    queue: {
      ensureRestartAffordable: (identifies) => {
        priced.push(identifies);
        if (identifies > affordable) throw new KallistiError('IDENTIFY_BUDGET_SPENT', 'too dear');
      },
    },
    api: {
      editInteractionAnswer: (applicationId, token, text) => edit(`${applicationId}/${token}`, text),
      editMessage: (channelId, messageId, text) => edit(`${channelId}/${messageId}`, text),
    },
    spares: {
      renew: (steps) => told.push(`renew ${steps}`),
      beginStep: () => told.push(`step after the spawn of ${clusters.spawned.at(-1)}`),
      endRoll: () => told.push('end'),
    },
    logger: log.logger,
    onReplaced: (id) => replaced.push(id),
    clock,
  });
  restart.on('progress', (status) => heard.push(status));
  const prepare = (cluster: FakeCluster): FakeCluster => {
    cluster.answer = async () => stats();
    cluster.arrivals = [ARRIVAL];
    return cluster;
  };
  for (let id = 0; id < clusterCount; id++) {
    void clusters.spawn(id);
    prepare(clusters.starting(id)).getReady();
  }
  clusters.spawned.length = 0;
  /** Lets the process that is spawned for this cluster get ready after a second. */
  const next = async (id: number, change: (cluster: FakeCluster) => void = () => undefined): Promise<void> => {
    await nextTurn();
    const cluster = prepare(clusters.starting(id));
    await clock.advance(1_000);
    change(cluster);
    if (cluster.state === 'starting') cluster.getReady();
    await nextTurn();
  };
  const states = (): string[] =>
    heard.map(({ outcome, clusters: all }) => `${outcome}: ${all.map(({ state }) => state).join(' ')}`);
  return { clock, log, clusters, restart, heard, replaced, priced, told, edits, next, states };
}

const by = { requestedBy: 'a test' };

describe('a restart', () => {
  it('replaces one cluster after the other, and says how each came up', async () => {
    const { clusters, restart, heard, replaced, next, states } = setUp();
    expect(restart.current).toBeUndefined();
    const { id, clusterIds } = restart.begin(by);
    expect(clusterIds).toEqual([0, 1]);
    await nextTurn();
    expect(clusters.spawned).toEqual([0]);
    await next(0);
    expect(clusters.spawned).toEqual([0, 1]);
    await next(1);
    await restart.settled();
    expect(states()).toEqual([
      'rolling: waiting waiting',
      'rolling: replacing waiting',
      'rolling: checking waiting',
      'rolling: replaced waiting',
      'rolling: replaced replacing',
      'rolling: replaced checking',
      'rolling: replaced replaced',
      'done: replaced replaced',
    ]);
    const cluster = { state: 'replaced', durationMs: 1_000, reason: null, arrivals: [ARRIVAL] };
    expect(restart.current).toEqual({
      id,
      startedAt: Date.UTC(2026, 0, 1),
      requestedBy: 'a test',
      outcome: 'done',
      durationMs: 2_000,
      clusters: [0, 1].map((clusterId) => ({ clusterId, ...cluster })),
    });
    expect(heard.at(-1)).toEqual(restart.current);
    expect(replaced).toEqual([0, 1]);
  });

  it('has spares of what is on disk now made for each step after the first, and says when it has ended', async () => {
    const { restart, told, next } = setUp();
    restart.begin({ ...by, clusterIds: [1, 0, 1] });
    expect(told).toEqual(['renew 2']);
    await next(1);
    await next(0);
    await restart.settled();
    expect(told).toEqual(['renew 2', 'step after the spawn of 1', 'step after the spawn of 0', 'end']);
  });

  it('that is refused because another one rolls leaves the spares of that one alone', async () => {
    const { restart, told, next } = setUp();
    restart.begin({ ...by, clusterIds: [0] });
    expect(() => restart.begin(by)).toThrow('already under way');
    expect(told).toEqual(['renew 1']);
    await next(0);
    await restart.settled();
  });

  it('touches only the clusters it was asked for', async () => {
    const { clusters, restart, next } = setUp({ clusterCount: 3 });
    expect(restart.begin({ ...by, clusterIds: [1] }).clusterIds).toEqual([1]);
    await next(1);
    await restart.settled();
    expect(clusters.spawned).toEqual([1]);
    expect(restart.current?.outcome).toBe('done');
  });

  it('of a cluster that does not exist does not begin', () => {
    const { clusters, restart } = setUp();
    expect(() => restart.begin({ ...by, clusterIds: [0, 2] })).toThrow('cluster 2 does not exist: ids run from 0 to 1');
    expect(restart.current).toBeUndefined();
    expect(clusters.spawned).toEqual([]);
  });

  it('is refused while another one rolls, and disturbs nothing of that', async () => {
    const { restart, next } = setUp();
    const first = restart.begin(by);
    await next(0);
    expect(() => restart.begin(by)).toThrow(expect.objectContaining({ code: 'RESTART_IN_PROGRESS' }));
    await next(1);
    await restart.settled();
    expect(restart.current?.id).toBe(first.id);
    expect(restart.current?.clusters.map(({ arrivals }) => arrivals.length)).toEqual([1, 1]);
  });

  it('shows nothing of the one before it', async () => {
    const { restart, next } = setUp({ clusterCount: 1 });
    restart.begin(by);
    await next(0);
    await restart.settled();
    restart.begin(by);
    expect(restart.current?.clusters).toMatchObject([{ state: 'replacing', arrivals: [] }]);
    await next(0);
    await restart.settled();
  });

  it('knows at any time how long it has taken', async () => {
    const { clock, restart, next } = setUp({ clusterCount: 1 });
    restart.begin(by);
    await clock.advance(400);
    expect(restart.current?.durationMs).toBe(400);
    await next(0);
    await restart.settled();
    await clock.advance(5_000);
    expect(restart.current?.durationMs).toBe(1_400);
  });
});

describe('IDENTIFYs that a restart would need', () => {
  it('are none for shards that can be resumed, and none for a cluster that does not run', async () => {
    const { clusters, restart, priced, next } = setUp();
    clusters.get(1).die();
    restart.begin(by);
    await next(0);
    await next(1);
    await restart.settled();
    expect(restart.current?.outcome).toBe('done');
    expect(priced).toEqual([]);
  });

  it('are asked for before anything is touched', async () => {
    const { clusters, restart, priced, next } = setUp({ clusterCount: 1 });
    clusters.get(0).answer = async () => stats('ready', 0);
    restart.begin(by);
    await next(0);
    await restart.settled();
    expect(priced).toEqual([1]);
    expect(restart.current?.outcome).toBe('done');
  });

  it('and are not to be had end it there, with all clusters as they were', async () => {
    const { clusters, restart, replaced } = setUp({ affordable: 0 });
    const old = clusters.get(0);
    old.answer = async () => stats('ready', 0);
    restart.begin(by);
    await restart.settled();
    expect(restart.current).toMatchObject({
      outcome: 'failed',
      clusters: [{ state: 'failed', reason: 'too dear' }, { state: 'skipped' }],
    });
    expect(clusters.spawned).toEqual([]);
    expect(clusters.get(0)).toBe(old);
    expect(replaced).toEqual([]);
  });
});

describe('a cluster that cannot be replaced', () => {
  it('because it does not say how it is ends the restart before anything is touched', async () => {
    const { clusters, restart } = setUp();
    clusters.get(0).answer = () => Promise.reject(new Error('no answer within 10 s'));
    restart.begin(by);
    await restart.settled();
    expect(restart.current?.clusters).toMatchObject([{ state: 'failed', reason: 'no answer within 10 s' }, {}]);
    expect(clusters.spawned).toEqual([]);
  });

  it('because its new process does not start ends the restart, and the log says why', async () => {
    const { clusters, log, restart, replaced, next } = setUp();
    const old = clusters.get(0);
    restart.begin(by);
    await next(0, (cluster) => cluster.failStart(new Error('no memory')));
    await restart.settled();
    expect(restart.current).toMatchObject({
      outcome: 'failed',
      clusters: [{ state: 'failed', reason: 'no memory', arrivals: [] }, { state: 'skipped' }],
    });
    expect(clusters.get(0)).toBe(old);
    expect(clusters.spawned).toEqual([0]);
    expect(replaced).toEqual([]);
    expect(log.lines.map(({ msg }) => msg)).toContain('rolling restart failed: cluster 0: no memory');
  });

  it.each(['resuming', 'disconnected', 'waiting'] as const)(
    'because a shard of its new process is %s again ends the restart',
    async (state) => {
      const { clusters, log, restart, next } = setUp();
      restart.begin(by);
      await next(0, (cluster) => {
        cluster.answer = async () => stats(state);
      });
      await restart.settled();
      expect(log.lines).toContainEqual(
        expect.objectContaining({ err: expect.objectContaining({ code: 'SHARDS_LOST', retryable: true }) }),
      );
      expect(restart.current?.clusters[0]).toMatchObject({
        state: 'failed',
        reason: `cluster 0 lost shards again right after its start: shard 0 is ${state}`,
      });
      expect(clusters.spawned).toEqual([0]);
    },
  );

  it('is not one with a shard that Discord refuses: it would be so in any process', async () => {
    const { restart, next } = setUp({ clusterCount: 1 });
    restart.begin(by);
    await next(0, (cluster) => {
      cluster.answer = async () => stats('failed');
    });
    await restart.settled();
    expect(restart.current?.outcome).toBe('done');
  });

  it('because its new process died at once ends the restart', async () => {
    const { clusters, restart, next } = setUp();
    clusters.on('spawnedworker', (cluster) => cluster.die());
    restart.begin(by);
    await next(0);
    await restart.settled();
    expect(restart.current?.clusters[0]).toMatchObject({ state: 'failed', reason: 'cluster 0 is not ready' });
  });
});

describe('a restart that is stopped', () => {
  it('finishes the cluster that is under way, and begins no other', async () => {
    const { clusters, restart, next } = setUp();
    restart.begin(by);
    await nextTurn();
    restart.stop();
    await next(0);
    await restart.settled();
    expect(restart.current).toMatchObject({
      outcome: 'stopped',
      clusters: [{ state: 'replaced' }, { state: 'skipped', reason: 'stopped: the master stops' }],
    });
    expect(clusters.spawned).toEqual([0]);
  });

  it('spawns nothing, not even where a cluster had been asked how it is just before', async () => {
    const { clusters, restart } = setUp();
    let answer: (reply: unknown) => void = () => undefined;
    clusters.get(0).answer = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    restart.begin(by);
    await nextTurn();
    restart.stop();
    answer(stats());
    await restart.settled();
    expect(clusters.spawned).toEqual([]);
    expect(restart.current).toMatchObject({ outcome: 'stopped' });
  });
});

describe('whoever asked for a restart', () => {
  it.each([
    [{ kind: 'interaction', applicationId: 'app', interactionToken: 'token' }, 'app/token'],
    [{ kind: 'message', channelId: 'channel', messageId: 'message' }, 'channel/message'],
  ] as const)('by %o sees it there, the end included', async (progress, where) => {
    const { restart, edits, next } = setUp({ clusterCount: 1 });
    restart.begin({ ...by, progress });
    await next(0);
    await restart.settled();
    expect(new Set(edits.map((edit) => edit.where))).toEqual(new Set([where]));
    expect(edits.at(-1)?.text).toMatch(/^Restarted 1 of 1 cluster in 1s\n✅ cluster 0 in 1s: paused 40 ms/);
  });
});
