import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RemoteError, RequestTimeoutError, WorkerExitedError } from '../../../src/core/errors.js';
import { Handover } from '../../../src/master/restart/Handover.js';
import { type FakeCluster, FakeClusters } from '../../support/FakeClusters.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { rejection } from '../../support/processes.js';

const RELEASED = { sessions: [{ shardId: 0, sessionId: 'a', seq: 7, resumeUrl: 'wss://x' }], releasedAt: 1 };
const refusal = new RemoteError({ name: 'Error', message: 'its state cannot be saved' }, 'cluster 0');
const silence = new RequestTimeoutError('request "releaseShards"', 5_000);
const death = new WorkerExitedError('request "releaseShards"', 'cluster 0', { code: 1, signal: null });

/** A cluster that serves and its successor that starts; `answers` is how the one that serves answers each request. */
function setUp(answers: { releaseShards?: unknown; adoptShards?: unknown } = {}) {
  const log = memoryLogger();
  const clusters = new FakeClusters(1);
  const handover = new Handover({ clusters, logger: log.logger });
  handover.start();
  void clusters.spawn(0);
  const old = clusters.getReady(0);
  const given: Record<string, unknown> = { releaseShards: RELEASED, adoptShards: undefined, ...answers };
  old.answer = async (name) => {
    if (given[name] instanceof Error) throw given[name];
    return given[name];
  };
  clusters.spawn(0).catch(() => undefined);
  const successor = clusters.starting(0);
  return { log, clusters, handover, old, successor };
}

const asked = ({ requests }: FakeCluster): string[] => requests.map(({ name }) => name);

describe('a cluster that has no predecessor', () => {
  it('gets its shards from nobody', async () => {
    const { clusters, handover, old } = setUp();
    expect(await handover.acquireShards(old)).toBeNull();
    old.die();
    expect(await handover.acquireShards(clusters.starting(0))).toBeNull();
    expect(old.requests).toEqual([]);
  });
});

describe('a predecessor that releases its shards', () => {
  it('has five seconds for it, and its successor gets what it said', async () => {
    const { handover, old, successor } = setUp();
    expect(await handover.acquireShards(successor)).toBe(RELEASED);
    expect(old.requests).toEqual([{ name: 'releaseShards', timeoutMs: 5_000 }]);
    expect(old.state).toBe('ready');
  });

  it('does not get them back once the successor is ready, even where that dies then', async () => {
    const { clusters, handover, old, successor } = setUp();
    await handover.acquireShards(successor);
    successor.getReady();
    // The pool stops the old process a moment later.
    old.state = 'ready';
    successor.die();
    await nextTurn();
    expect(asked(old)).toEqual(['releaseShards']);
    expect(clusters.tryGet(0)).toBeUndefined();
  });

  it('gets them back where the successor dies before it is ready', async () => {
    const { log, clusters, handover, old, successor } = setUp();
    await handover.acquireShards(successor);
    successor.failStart();
    await nextTurn();
    expect(old.requests.at(-1)).toEqual({ name: 'adoptShards', timeoutMs: 5_000 });
    expect(asked(old)).toEqual(['releaseShards', 'adoptShards']);
    expect(clusters.tryGet(0)).toBe(old);
    expect(log.warnings()).toEqual(['the replacement of a cluster failed, the old one has its shards back']);
  });

  it('gets them back also where the successor dies before the answer is there', async () => {
    const { handover, old, successor } = setUp();
    const acquiring = handover.acquireShards(successor);
    successor.failStart();
    await acquiring;
    expect(asked(old)).toEqual(['releaseShards', 'adoptShards']);
  });

  it.each([
    ['says that it cannot take them back', refusal],
    ['does not say that it has taken them back', silence],
  ])('and %s is killed: nobody would serve them', async (_, adoptShards) => {
    const { log, clusters, handover, old, successor } = setUp({ adoptShards });
    const exits: FakeCluster[] = [];
    clusters.on('workerexited', (cluster) => exits.push(cluster));
    await handover.acquireShards(successor);
    successor.failStart();
    await nextTurn();
    expect(old.state).toBe('ended');
    expect(exits).toEqual([old]);
    expect(log.warnings()).toEqual(['a cluster could not take its shards back, killing it']);
  });

  it.each(['stopping', 'ended'] as const)('and is %s when the successor dies is left alone', async (state) => {
    const { handover, old, successor } = setUp();
    await handover.acquireShards(successor);
    old.state = state;
    successor.failStart();
    await nextTurn();
    expect(asked(old)).toEqual(['releaseShards']);
  });
});

describe('a predecessor that says that it cannot release its shards', () => {
  it('keeps them and lives, and the handover fails with its reason', async () => {
    const { handover, old, successor } = setUp({ releaseShards: refusal });
    expect(await rejection(handover.acquireShards(successor))).toMatchObject({
      code: 'HANDOVER_FAILED',
      message: 'cluster 0 (pid 101) keeps its shards: its state cannot be saved',
      cause: refusal,
    });
    // It may have let go, and only its answer could not be sent.
    expect(asked(old)).toEqual(['releaseShards', 'adoptShards']);
    expect(old.state).toBe('ready');
  });

  it('is asked once to take back what it may have released, not again when the successor ends', async () => {
    const { handover, old, successor } = setUp({ releaseShards: refusal });
    await rejection(handover.acquireShards(successor));
    successor.failStart();
    await nextTurn();
    expect(asked(old)).toEqual(['releaseShards', 'adoptShards']);
  });

  it('is killed where it cannot take them back either', async () => {
    const { handover, old, successor } = setUp({ releaseShards: refusal, adoptShards: silence });
    expect(await rejection(handover.acquireShards(successor))).toMatchObject({ code: 'HANDOVER_FAILED' });
    expect(old.state).toBe('ended');
  });
});

describe('a predecessor that does not answer', () => {
  it.each([
    ['in time', silence],
    ['because it dies', death],
  ])('%s is seen dead before the successor gets the shards, without a word about them', async (_, releaseShards) => {
    const { log, handover, old, successor } = setUp({ releaseShards });
    expect(await handover.acquireShards(successor)).toBeNull();
    expect(old.state).toBe('ended');
    expect(log.warnings()).toEqual(['a cluster did not release its shards, killing it']);
  });

  it('is waited for until it is dead', async () => {
    const { handover, old, successor } = setUp({ releaseShards: silence });
    let die = (): void => undefined;
    old.terminate = () =>
      new Promise((resolve) => {
        die = () => resolve({ code: null, signal: 'SIGKILL' });
      });
    let isAcquired = false;
    const acquiring = handover.acquireShards(successor).then(() => {
      isAcquired = true;
    });
    await nextTurn();
    expect(isAcquired).toBe(false);
    die();
    await acquiring;
  });

  it('gets nothing back where the successor dies then', async () => {
    const { handover, old, successor } = setUp({ releaseShards: silence });
    await handover.acquireShards(successor);
    successor.failStart();
    await nextTurn();
    expect(asked(old)).toEqual(['releaseShards']);
  });
});

describe('a handover that was stopped', () => {
  it('gives nothing back any more, and hears of no worker', async () => {
    const { clusters, handover, old, successor } = setUp();
    await handover.acquireShards(successor);
    handover.stop();
    successor.failStart();
    await nextTurn();
    expect(asked(old)).toEqual(['releaseShards']);
    expect(clusters.listenerCount('spawnedworker') + clusters.listenerCount('killedworker')).toBe(0);
  });
});
