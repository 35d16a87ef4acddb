import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type DiscordRefusedError, RemoteError, WorkerStartError } from '../../../src/core/errors.js';
import { ClusterConnection } from '../../../src/master/fleet/ClusterConnection.js';
import { Supervisor, type SupervisorOptions } from '../../../src/master/supervision/Supervisor.js';
import { type FakeCluster, FakeClusters } from '../../support/FakeClusters.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';
import { silentLogger } from '../../support/processes.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Every pause of the supervisor is cut by up to a quarter at random. */
const CUT = 0.75;

/** A supervisor of clusters that do what the test says. */
function setUp(clusterCount = 1, overrides: Partial<SupervisorOptions> = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const clusters = new FakeClusters(clusterCount);
  const refusals: DiscordRefusedError[] = [];
  const supervisor = new Supervisor({
    clusters,
    clock,
    logger: log.logger,
    onRefused: (error) => void refusals.push(error),
    sampleStack: () => Promise.resolve(undefined),
    ...overrides,
  });
  supervisor.start();
  const said = (pattern: RegExp): number => log.lines.filter(({ msg }) => pattern.test(msg)).length;
  /** @returns how long the pause is that runs. */
  const pauseMs = (id = 0): number => (supervisor.retryAtOf(id) ?? Number.NaN) - clock.wallNow();
  /** Lets the pause end. @returns how long it was. */
  const pause = async (id = 0): Promise<number> => {
    await nextTurn();
    const durationMs = pauseMs(id);
    await clock.advance(Math.max(1, durationMs));
    return durationMs;
  };
  /** The cluster gets ready, serves, and dies. */
  const live = async (servedMs: number, how?: { onlyResumed?: boolean }): Promise<void> => {
    const cluster = clusters.getReady(0, how);
    await clock.advance(servedMs);
    cluster.die();
  };
  const failStart = async (): Promise<void> => {
    clusters.starting(0).failStart();
    await nextTurn();
  };
  return { clock, log, clusters, refusals, supervisor, said, pauseMs, pause, live, failStart };
}

function expectPause(actualMs: number, longestMs: number): void {
  expect(actualMs).toBeLessThanOrEqual(longestMs);
  expect(actualMs).toBeGreaterThanOrEqual(longestMs * CUT);
}

describe('a supervisor that starts', () => {
  it('spawns the clusters that do not run, and no other', async () => {
    const { clusters, supervisor } = setUp(3);
    expect(clusters.spawned).toEqual([0, 1, 2]);
    clusters.getReady(1);
    supervisor.stop();
    supervisor.start();
    expect(clusters.spawned).toEqual([0, 1, 2, 0, 2]);
  });
});

describe('a crash loop of lives that only resumed', () => {
  it('is retried within two seconds, for ever: the circuit stays shut', async () => {
    const { clusters, supervisor, said, pause, live } = setUp();
    await live(SECOND);
    await pause();
    const pauses: number[] = [];
    for (let death = 0; death < 50; death++) {
      await live(SECOND, { onlyResumed: true });
      expect(supervisor.stateOf(0)).toBe('waiting');
      pauses.push(await pause());
    }
    expect(pauses[0]).toBe(0);
    expectPause(pauses[1] ?? 0, 1 * SECOND);
    for (const durationMs of pauses.slice(2)) expectPause(durationMs, 2 * SECOND);
    expect(said(/FAILED/)).toBe(0);
    expect(clusters.spawned.length).toBe(52);
    expect(supervisor.historyOf(0)?.counts.get('crash')).toBe(51);
  });

  it('leaves the other clusters alone, and begins anew after a life of five seconds', async () => {
    const { clock, clusters, pause, live } = setUp(2);
    clusters.getReady(1);
    for (let death = 0; death < 4; death++) {
      await live(SECOND, { onlyResumed: true });
      await pause();
    }
    await live(5 * SECOND, { onlyResumed: true });
    expect(await pause()).toBe(0);
    await clock.advance(MINUTE);
    expect(clusters.spawned.filter((id) => id === 1)).toEqual([1]);
  });

  it('neither counts towards the circuit of starts that fail nor lengthens their pauses', async () => {
    const { supervisor, pause, live, failStart } = setUp();
    for (let round = 0; round < 4; round++) {
      await failStart();
      expectPause(await pause(), [0, 1, 2, 4].map((seconds) => seconds * SECOND)[round] ?? 0);
      await live(100, { onlyResumed: true });
      await pause();
    }
    expect(supervisor.stateOf(0)).toBe('starting');
    await failStart();
    expect(supervisor.stateOf(0)).toBe('failed');
  });
});

describe('five failures in five minutes open the circuit', () => {
  it('of lives that spent IDENTIFYs: after growing pauses the cluster is failed, and tried every three minutes', async () => {
    const { clusters, supervisor, said, pauseMs, pause, live } = setUp();
    const pauses: number[] = [];
    for (let death = 0; death < 4; death++) {
      await live(SECOND);
      pauses.push(await pause());
    }
    expect(pauses[0]).toBe(0);
    for (const [death, seconds] of [1, 2, 4].entries()) expectPause(pauses[death + 1] ?? 0, seconds * SECOND);
    expect(supervisor.stateOf(0)).toBe('starting');
    await live(SECOND);
    expect(supervisor.stateOf(0)).toBe('failed');
    expect(said(/^cluster 0 FAILED/)).toBe(1);
    expect(pauseMs()).toBe(3 * MINUTE);
    await pause();
    expect(clusters.spawned.length).toBe(6);
    clusters.starting(0).failStart();
    expect(await pause()).toBe(3 * MINUTE);
    expect(said(/^cluster 0 FAILED/)).toBe(1);
  });

  it('of starts that fail, and a process that gets ready shuts it again', async () => {
    const { clusters, supervisor, said, pause, live, failStart } = setUp();
    for (let failure = 0; failure < 5; failure++) {
      await failStart();
      if (failure < 4) await pause();
    }
    expect(supervisor.stateOf(0)).toBe('failed');
    await pause();
    await live(SECOND);
    expect(said(/^cluster 0 has recovered/)).toBe(1);
    expect(supervisor.stateOf(0)).toBe('waiting');
    await pause();
    for (let failure = 0; failure < 3; failure++) {
      await failStart();
      await pause();
    }
    expect(supervisor.stateOf(0)).toBe('starting');
    expect(clusters.lives.size).toBe(1);
  });

  it('but not where a life of five seconds lies between them', async () => {
    const { supervisor, pause, live } = setUp();
    for (let death = 0; death < 10; death++) {
      await live(5 * SECOND);
      expect(await pause()).toBe(0);
    }
    expect(supervisor.stateOf(0)).toBe('starting');
  });

  it('and not where they lie further apart', async () => {
    const { clock, clusters, supervisor, pause, failStart } = setUp();
    for (let failure = 0; failure < 10; failure++) {
      await failStart();
      await pause();
      await clock.advance(70 * SECOND);
    }
    expect(supervisor.stateOf(0)).toBe('starting');
    expect(clusters.spawned.length).toBe(11);
  });
});

describe('a replacement', () => {
  it('that fails leaves the old process alone', async () => {
    const { clock, clusters, supervisor, said } = setUp();
    const old = clusters.getReady(0);
    supervisor.reportMemory(old, 'full');
    clusters.starting(0).failStart();
    await clock.advance(10 * MINUTE);
    expect(said(/^cluster 0 did not start/)).toBe(1);
    expect(supervisor.stateOf(0)).toBe('ready');
    expect(clusters.spawned).toEqual([0, 0]);
  });

  it('for want of memory comes once in five minutes', async () => {
    const { clock, clusters, supervisor } = setUp();
    supervisor.reportMemory(clusters.getReady(0), 'full');
    supervisor.reportMemory(clusters.getReady(0), 'full');
    expect(clusters.spawned.length).toBe(2);
    await clock.advance(5 * MINUTE);
    supervisor.reportMemory(clusters.tryGet(0) as FakeCluster, 'full');
    expect(clusters.spawned.length).toBe(3);
  });

  it('for a deaf shard comes only where another cluster hears', () => {
    const { clusters, supervisor } = setUp(2);
    const deaf = clusters.getReady(0);
    const other = clusters.getReady(1);
    other.hear('resuming');
    supervisor.reportDeaf(deaf, 'no event');
    expect(clusters.spawned).toEqual([0, 1]);
    other.hear('ready');
    supervisor.reportDeaf(deaf, 'no event');
    expect(clusters.spawned).toEqual([0, 1, 0]);
  });
});

describe('a cluster that hangs', () => {
  it.each([
    ['is seen', () => Promise.resolve('    at loop (bot.js:1:1)')],
    ['cannot be seen', () => Promise.reject(new Error('no debugger'))],
  ])('where %s is killed, noted as hung, and comes back', async (_, sampleStack) => {
    const { clusters, supervisor, pause } = setUp(1, { sampleStack });
    const cluster = clusters.getReady(0);
    supervisor.reportHung(cluster, 10_000);
    expect(await pause()).toBe(0);
    expect(cluster.state).toBe('ended');
    expect(supervisor.historyOf(0)?.entries.map(({ cause }) => cause)).toEqual(['hung']);
    expect(clusters.spawned).toEqual([0, 0]);
  });
});

describe('a bot that Discord refuses', () => {
  it('is told so once, and nothing is spawned any more', async () => {
    const { clock, clusters, supervisor, refusals } = setUp(2);
    const remote = new RemoteError({ name: 'Error', message: 'wrong token', code: 'DISCORD_REFUSED' }, 'cluster 0');
    const refusal = new WorkerStartError('START_FAILED', 'cluster 0 failed to start', [], { cause: remote });
    clusters.starting(0).failStart(refusal);
    clusters.starting(1).failStart(refusal);
    await clock.advance(MINUTE);
    expect(refusals.map(({ message }) => message)).toEqual(['wrong token']);
    expect(clusters.spawned).toEqual([0, 1]);
    expect(supervisor.stateOf(0)).toBe('stopped');
  });
});

describe('a stop', () => {
  it('ends the pauses that run: no timer is left, and nothing is spawned', async () => {
    const { clock, clusters, supervisor, live } = setUp();
    await live(SECOND, { onlyResumed: true });
    supervisor.stop();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(MINUTE);
    expect(clusters.spawned).toEqual([0]);
  });
});

describe('a life of a cluster has only resumed', () => {
  it('where all of its shards said so, and no slot was used or may still be', () => {
    const cluster = new ClusterConnection(0, silentLogger(), { shardIds: [0, 1], isQueued: () => false });
    const arrival = { replayed: 0, pauseMs: null };
    expect(cluster.onlyResumed).toBe(false);
    cluster.arrivals = [0, 1].map((shardId) => ({ shardId, by: 'resumed', ...arrival }));
    expect(cluster.onlyResumed).toBe(true);
    cluster.slots++;
    expect(cluster.onlyResumed).toBe(false);
    cluster.slots--;
    cluster.arrivals = [...cluster.arrivals.slice(1), { shardId: 0, by: 'identified', ...arrival }];
    expect(cluster.onlyResumed).toBe(false);
  });
});
