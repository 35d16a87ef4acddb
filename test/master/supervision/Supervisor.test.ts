import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { DiscordRefusedError, type ExitReason, RemoteError, WorkerStartError } from '../../../src/core/errors.js';
import { ClusterConnection } from '../../../src/master/fleet/ClusterConnection.js';
import { Supervisor, type SupervisorOptions } from '../../../src/master/supervision/Supervisor.js';
import { FakeClusters } from '../../support/FakeClusters.js';
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
      expect(supervisor.stateOf(0)).toBe('backingOff');
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
    expect(supervisor.stateOf(0)).toBe('backingOff');
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
    supervisor.reportMemory(clusters.get(0), 'full');
    expect(clusters.spawned.length).toBe(3);
  });

  it('for want of memory comes only where the cluster serves, and the supervisor runs', () => {
    const { clusters, supervisor } = setUp();
    const cluster = clusters.starting(0);
    supervisor.reportMemory(cluster, 'full');
    cluster.getReady();
    cluster.state = 'stopping';
    supervisor.reportMemory(cluster, 'full');
    cluster.state = 'ready';
    supervisor.stop();
    supervisor.reportMemory(cluster, 'full');
    expect(clusters.spawned).toEqual([0]);
    expect(supervisor.historyOf(0)?.entries ?? []).toEqual([]);
  });

  it('for a deaf shard comes once in ten minutes', async () => {
    const { clock, clusters, supervisor, said } = setUp();
    supervisor.reportDeaf(clusters.getReady(0), 'no event');
    clusters.getReady(0);
    await clock.advance(10 * MINUTE - 1);
    supervisor.reportDeaf(clusters.get(0), 'no event');
    expect(clusters.spawned).toEqual([0, 0]);
    expect(said(/stays: no event/)).toBe(1);
    await clock.advance(1);
    supervisor.reportDeaf(clusters.get(0), 'no event');
    expect(clusters.spawned).toEqual([0, 0, 0]);
    expect(supervisor.historyOf(0)?.counts.get('deaf')).toBe(2);
  });

  it('for a deaf shard comes only of the process that serves, and the supervisor runs', () => {
    const { clusters, supervisor } = setUp();
    const old = clusters.getReady(0);
    supervisor.reportDeaf(old, 'no event');
    clusters.getReady(0);
    old.state = 'ready';
    supervisor.reportDeaf(old, 'no event');
    supervisor.stop();
    supervisor.reportDeaf(clusters.get(0), 'no event');
    expect(clusters.spawned).toEqual([0, 0]);
  });

  it('for a deaf shard is not stopped by a shard that Discord refuses, nor by having no other cluster', () => {
    const { clusters, supervisor } = setUp(2);
    const deaf = clusters.getReady(0);
    const other = clusters.getReady(1);
    other.hear('failed');
    supervisor.reportDeaf(deaf, 'no event');
    expect(clusters.spawned).toEqual([0, 1]);
    other.die();
    supervisor.reportDeaf(deaf, 'no event');
    expect(clusters.spawned).toEqual([0, 1, 0]);
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
    clusters.getReady(0).die();
    expect(supervisor.historyOf(0)?.entries.map(({ cause }) => cause)).toEqual(['hung', 'crash']);
  });
});

describe('a report that a cluster hangs', () => {
  it('kills nothing where it ended while it was looked at', async () => {
    let see = (_stack: string | undefined): void => undefined;
    const { clusters, supervisor, pause } = setUp(1, {
      sampleStack: () =>
        new Promise((resolve) => {
          see = resolve;
        }),
    });
    const cluster = clusters.getReady(0);
    supervisor.reportHung(cluster, 10_000);
    cluster.die({ code: 1, signal: null });
    see('    at loop (bot.js:1:1)');
    await pause();
    expect(supervisor.historyOf(0)?.entries).toMatchObject([{ cause: 'crash', reason: 'exited with code 1' }]);
    clusters.getReady(0).die();
    expect(supervisor.historyOf(0)?.entries.map(({ cause }) => cause)).toEqual(['crash', 'crash']);
  });

  it('is of no use where it has ended, or the supervisor is stopped', async () => {
    const { clock, clusters, supervisor, said } = setUp(2);
    const [ended, other] = [clusters.getReady(0), clusters.getReady(1)];
    ended.die();
    supervisor.reportHung(ended, 10_000);
    supervisor.stop();
    supervisor.reportHung(other, 10_000);
    await clock.advance(SECOND);
    expect(said(/hangs/)).toBe(0);
    expect(other.state).toBe('ready');
  });
});

describe('a crash', () => {
  it('is logged with its exit, and the cluster recovers until it is ready again', async () => {
    const { clusters, supervisor, said, pause } = setUp();
    clusters.getReady(0).die({ code: 3, signal: null });
    expect(said(/^cluster 0 exited with code 3$/)).toBe(1);
    await pause();
    expect(supervisor.stateOf(0)).toBe('starting');
    expect(supervisor.retryAtOf(0)).toBeUndefined();
    clusters.getReady(0);
    expect(supervisor.stateOf(0)).toBe('ready');
  });

  it.each<[string, string[], ExitReason, string]>([
    [
      'of a full heap',
      ['FATAL ERROR: JavaScript heap out of memory'],
      { code: null, signal: 'SIGABRT' },
      'ran out of memory',
    ],
    ['of a full heap in a container', ['Allocation failed'], { code: 134, signal: null }, 'ran out of memory'],
    ['whose last words are unknown', [], { code: null, signal: 'SIGABRT' }, 'was killed by SIGABRT'],
    ['of a kill', ['JavaScript heap out of memory'], { code: null, signal: 'SIGKILL' }, 'was killed by SIGKILL'],
  ])('%s is called what it is', (_, logLines, exit, reason) => {
    const { clusters, supervisor } = setUp();
    const cluster = clusters.getReady(0);
    cluster.logLines = logLines;
    cluster.die(exit);
    expect(supervisor.historyOf(0)?.entries).toMatchObject([{ cause: 'crash', reason }]);
  });

  it('of a process that is being stopped is none', () => {
    const { clusters, supervisor } = setUp();
    const cluster = clusters.getReady(0);
    supervisor.stop();
    cluster.die();
    expect(clusters.spawned).toEqual([0]);
    expect(supervisor.historyOf(0)?.entries).toEqual([]);
    expect(supervisor.stateOf(0)).toBe('stopped');
  });
});

describe('a restart that somebody asked for', () => {
  it('is in the history, and no failure', () => {
    const { clusters, supervisor } = setUp();
    clusters.getReady(0);
    for (let i = 0; i < 60; i++) supervisor.notePlanned(0);
    expect(supervisor.historyOf(0)?.counts.get('operator')).toBe(60);
    expect(supervisor.historyOf(0)?.entries.length).toBe(50);
    clusters.get(0).die();
    expect(supervisor.stateOf(0)).toBe('backingOff');
  });
});

describe('a bot that Discord refuses', () => {
  it('while it runs is stopped as well', async () => {
    const { clock, clusters, supervisor, refusals, live } = setUp();
    await live(SECOND);
    const refusal = new DiscordRefusedError('the token was reset');
    supervisor.refuse(refusal);
    supervisor.refuse(refusal);
    expect(refusals).toEqual([refusal]);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(MINUTE);
    expect(clusters.spawned).toEqual([0]);
  });

  it('is not one whose start failed for another reason', async () => {
    const { refusals, pause, clusters } = setUp();
    const remote = new RemoteError({ name: 'Error', message: 'no', code: 'READY_TIMEOUT' }, 'cluster 0');
    clusters.starting(0).failStart(new WorkerStartError('START_FAILED', 'no', [], { cause: remote }));
    await pause();
    expect(refusals).toEqual([]);
    expect(clusters.spawned).toEqual([0, 0]);
  });

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
