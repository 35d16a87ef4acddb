import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerLaunch, WorkerProcess } from '../../../src/core/worker/WorkerHost.js';
import { SpareClusters, type SpareClustersOptions } from '../../../src/master/fleet/SpareClusters.js';
import { FakeSpare, FakeSpareHost } from '../../support/FakeSpare.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

/** More than the time that the clusters must have been up, and the time between two looks. */
const SETTLED_MS = 1_000;

const pools: SpareClusters[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

/** Spares of a fleet that is steady, on a machine with plenty of memory. */
function setUp(options: Partial<SpareClustersOptions> = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const host = new FakeSpareHost();
  const made: FakeSpare[] = [];
  const world = { isSteady: true, program: 'old', memory: { availableBytes: 1_000, clusterBytes: 100 } };
  const spares = new SpareClusters({
    count: 1,
    host,
    createSpare: () => {
      const spare = new FakeSpare(100 + made.length);
      made.push(spare);
      return spare;
    },
    isSteady: () => world.isSteady,
    memory: () => world.memory,
    programOnDisk: () => world.program,
    spawnTimeoutMs: 60_000,
    logger: log.logger,
    clock,
    ...options,
  });
  pools.push(spares);
  spares.start();
  const last = (): FakeSpare => {
    const spare = made.at(-1);
    if (spare === undefined) throw new Error('no spare was made');
    return spare;
  };
  /** Lets the next spare be made, and load. */
  const waiting = async (): Promise<FakeSpare> => {
    const before = made.length;
    await clock.advance(SETTLED_MS);
    if (made.length === before) throw new Error('no spare was made');
    last().load();
    await nextTurn();
    return last();
  };
  return { clock, log, host, made, world, spares, last, waiting };
}

const launch = (id: number, generation = 2): WorkerLaunch => ({
  ...{ id, generation, kind: 'cluster', entrypoint: 'cluster', args: [], execArgv: [], env: {} },
});

/** A cluster is started. What becomes of it is looked at with `process`. */
function startCluster(spares: SpareClusters, id: number): { process?: WorkerProcess; error?: Error } {
  const started: { process?: WorkerProcess; error?: Error } = {};
  spares
    .spawn(launch(id), (transport) => transport.listen({ message: () => undefined, closed: () => undefined }))
    .then(
      (process) => {
        started.process = process;
      },
      (error: Error) => {
        started.error = error;
      },
    );
  return started;
}

describe('a spare', () => {
  it('is made when the clusters have been up for two looks in a row, and no second one', async () => {
    const { clock, made, world, spares } = setUp();
    world.isSteady = false;
    await clock.advance(60_000);
    expect(made).toHaveLength(0);
    world.isSteady = true;
    await clock.advance(499);
    expect(made).toHaveLength(0);
    await clock.advance(1);
    expect(made).toHaveLength(1);
    expect(spares.status).toEqual({ wanted: 1, ready: 0, loading: 1, rssBytes: 0 });
    made[0]?.load(60);
    await clock.advance(60_000);
    expect(made).toHaveLength(1);
    expect(spares.status).toEqual({ wanted: 1, ready: 1, loading: 0, rssBytes: 60 });
  });

  it('is not made where none is wanted', async () => {
    const { clock, made, host, spares } = setUp({ count: 0 });
    await clock.advance(60_000);
    startCluster(spares, 1);
    await nextTurn();
    expect(made).toHaveLength(0);
    expect(host.spawned).toEqual([1]);
  });

  it('is made one at a time, where several are wanted', async () => {
    const { clock, made, waiting } = setUp({ count: 2 });
    await clock.advance(60_000);
    expect(made).toHaveLength(1);
    made[0]?.load();
    await nextTurn();
    expect(made).toHaveLength(2);
    made[1]?.load();
    await expect(waiting()).rejects.toThrow('no spare was made');
  });

  it('becomes the cluster that is started, with the id and the generation of that', async () => {
    const { clock, host, spares, waiting } = setUp();
    const spare = await waiting();
    const started = startCluster(spares, 3);
    await nextTurn();
    expect(spare.told).toEqual([{ name: '@assign', data: { id: 3, generation: 2, secret: 'a new secret' } }]);
    expect(started.process).toBeUndefined();
    host.callBack();
    await nextTurn();
    expect(started.process).toMatchObject({ identity: { pid: spare.pid }, secret: 'a new secret' });
    expect([spare.surrendered, host.spawned]).toEqual([1, []]);
    started.process?.release();
    expect([spare.releasedProcess, host.closedLines]).toEqual([1, 1]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('is followed by another when all clusters are up again', async () => {
    const { clock, host, made, world, spares, waiting } = setUp();
    await waiting();
    startCluster(spares, 3);
    world.isSteady = false;
    await nextTurn();
    host.callBack();
    await clock.advance(30_000);
    expect(made).toHaveLength(1);
    world.isSteady = true;
    await waiting();
    expect(made).toHaveLength(2);
  });

  it('serves one cluster: a second that is started meanwhile gets a new process', async () => {
    const { host, spares, waiting } = setUp();
    await waiting();
    startCluster(spares, 0);
    startCluster(spares, 1);
    await nextTurn();
    expect(host.spawned).toEqual([1]);
  });

  it('that still loads is waited for', async () => {
    const { clock, host, made, spares } = setUp();
    await clock.advance(SETTLED_MS);
    const started = startCluster(spares, 0);
    await nextTurn();
    made[0]?.load();
    await nextTurn();
    host.callBack();
    await nextTurn();
    expect(started.process?.identity.pid).toBe(made[0]?.pid);
    expect(host.spawned).toEqual([]);
  });

  it('that does not load in the end leaves the cluster that waits for it a new process', async () => {
    const { clock, host, made, spares } = setUp();
    await clock.advance(SETTLED_MS);
    startCluster(spares, 0);
    await nextTurn();
    made[0]?.die();
    await nextTurn();
    expect(host.spawned).toEqual([0]);
  });

  it('that does not answer within a second is killed, and the cluster gets a new process', async () => {
    const { clock, host, log, world, spares, waiting } = setUp();
    const spare = await waiting();
    world.isSteady = false;
    startCluster(spares, 0);
    await clock.advance(999);
    expect(host.spawned).toEqual([]);
    await clock.advance(2);
    await nextTurn();
    expect(spare.state).toBe('ended');
    expect([spare.surrendered, host.spawned, host.closedLines]).toEqual([0, [0], 1]);
    expect(log.warnings()).toEqual([expect.stringContaining('does not become cluster 0, which gets a new process')]);
  });

  it('that dies when it is told leaves the cluster a new process at once', async () => {
    const { host, spares, waiting } = setUp();
    const spare = await waiting();
    startCluster(spares, 0);
    await nextTurn();
    spare.die();
    await nextTurn();
    expect(host.spawned).toEqual([0]);
  });

  it('that could not be told leaves the cluster a new process at once', async () => {
    const { host, spares, waiting } = setUp();
    const spare = await waiting();
    spare.send = () => {
      throw new Error('it reads nothing');
    };
    startCluster(spares, 0);
    await nextTurn();
    expect([spare.state, host.spawned]).toEqual(['ended', [0]]);
  });
});

describe('a spare that fails', () => {
  it('to load is said once for each attempt, and tried again after growing pauses', async () => {
    const { clock, log, made, last } = setUp();
    await clock.advance(SETTLED_MS);
    const times: number[] = [];
    for (let failure = 0; failure < 6; failure++) {
      const count = made.length;
      const at = clock.now();
      last().die();
      while (made.length === count) await clock.advance(250);
      times.push(clock.now() - at);
    }
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true);
    expect(times.at(-1)).toBeGreaterThan(50_000);
    expect(log.warnings()).toHaveLength(6);
    expect(log.warnings()[0]).toMatch(/^no spare process could be made: spare cluster \(pid 100\) exited; the next/);
  });

  it('while it waits is replaced after a pause', async () => {
    const { clock, log, made, waiting } = setUp();
    (await waiting()).die();
    await nextTurn();
    expect(made).toHaveLength(1);
    await clock.advance(1_500);
    expect(made).toHaveLength(2);
    expect(log.warnings()).toEqual([expect.stringContaining('ended while it waited')]);
  });

  it('after a minute is no repetition: the pause begins anew', async () => {
    const { clock, made, last, waiting } = setUp();
    (await waiting()).die();
    await clock.advance(1_500);
    for (let failure = 0; failure < 3; failure++) {
      last().load();
      await clock.advance(60_000);
      const count = made.length;
      last().die();
      await clock.advance(1_500);
      expect(made).toHaveLength(count + 1);
    }
  });

  it('because it hangs is killed, and replaced', async () => {
    const { clock, log, made, spares, waiting } = setUp();
    const spare = await waiting();
    expect(spares.alive).toEqual([spare]);
    spares.reportHung(spare, 10_000);
    await clock.advance(1_500);
    expect([spare.state, made.length]).toEqual(['ended', 2]);
    expect(log.warnings()[0]).toMatch(/hangs/);
  });

  it('because its heap is full is killed, and replaced', async () => {
    const { clock, made, spares, waiting } = setUp();
    const spare = await waiting();
    spares.reportMemory(spare, 'its heap holds too much');
    await clock.advance(1_500);
    expect([spare.state, made.length]).toEqual(['ended', 2]);
  });
});

describe('a planned restart', () => {
  it('ends the spares that are older, and makes those for its next steps at once', async () => {
    const { made, host, spares, waiting } = setUp();
    const old = await waiting();
    spares.renew(3);
    await nextTurn();
    expect(old.state).toBe('ended');
    expect(made).toHaveLength(1);
    startCluster(spares, 0);
    spares.beginStep();
    expect(host.spawned).toEqual([0]);
    expect(made).toHaveLength(2);
    made[1]?.load();
    await nextTurn();
    expect(made).toHaveLength(2);
    const second = startCluster(spares, 1);
    spares.beginStep();
    expect(made).toHaveLength(3);
    await nextTurn();
    host.callBack();
    await nextTurn();
    expect(second.process?.identity.pid).toBe(made[1]?.pid);
    made[2]?.load();
    const third = startCluster(spares, 2);
    spares.beginStep();
    await nextTurn();
    host.callBack();
    await nextTurn();
    expect(third.process?.identity.pid).toBe(made[2]?.pid);
    expect([made.length, host.spawned]).toEqual([3, [0]]);
  });

  it('never uses a spare that loaded before it was asked for, also one that does not end', async () => {
    const { made, host, spares, waiting } = setUp();
    const old = await waiting();
    old.obeys = false;
    spares.renew(2);
    startCluster(spares, 0);
    spares.beginStep();
    await nextTurn();
    expect([old.told, host.spawned, made.length]).toEqual([[], [0], 2]);
    old.die();
  });

  it('never uses a spare that was loading when it was asked for', async () => {
    const { clock, made, host, spares } = setUp();
    await clock.advance(SETTLED_MS);
    spares.renew(1);
    startCluster(spares, 0);
    await nextTurn();
    expect([made[0]?.state, host.spawned]).toEqual(['ended', [0]]);
  });

  it('of a program that does not load starts its cluster in a new process, which says why, and makes no spare again and again', async () => {
    const { clock, log, made, host, spares } = setUp();
    spares.renew(3);
    await clock.advance(250);
    expect(made).toHaveLength(1);
    startCluster(spares, 0);
    spares.beginStep();
    for (let turn = 0; turn < 5; turn++) {
      const spare = made.at(-1);
      if (spare?.state === 'starting') spare.die();
      await nextTurn();
    }
    expect([host.spawned, made.length]).toEqual([[0], 1]);
    expect(log.warnings()).toEqual([expect.stringContaining('no spare process could be made')]);
  });

  it('makes spares of what is on disk, though it differs from what the clusters run', async () => {
    const { made, world, spares, waiting } = setUp();
    await waiting();
    world.program = 'new';
    spares.renew(2);
    spares.beginStep();
    await nextTurn();
    spares.beginStep();
    expect(made.length).toBe(2);
  });

  it('that has ended leaves the number of spares as it was, when the clusters are steady', async () => {
    const { clock, made, spares, waiting } = setUp();
    await waiting();
    spares.renew(1);
    spares.beginStep();
    await clock.advance(60_000);
    expect(made).toHaveLength(1);
    spares.endRoll();
    await clock.advance(SETTLED_MS);
    expect(made).toHaveLength(2);
  });
});

describe('a program that has changed on disk', () => {
  it('makes no spare before a planned restart, and says so once', async () => {
    const { clock, log, made, world, spares } = setUp();
    world.program = 'new';
    await clock.advance(60_000);
    expect(made).toHaveLength(0);
    expect(log.lines.filter(({ msg }) => /changed on disk/.test(msg))).toHaveLength(1);
    spares.renew(1);
    spares.beginStep();
    spares.endRoll();
    await clock.advance(SETTLED_MS);
    expect(made).toHaveLength(1);
  });

  it('leaves the spare that runs what the clusters run: a crash gets it', async () => {
    const { clock, host, world, spares, waiting } = setUp();
    const spare = await waiting();
    world.program = 'new';
    await clock.advance(60_000);
    const started = startCluster(spares, 0);
    await nextTurn();
    host.callBack();
    await nextTurn();
    expect(started.process?.identity.pid).toBe(spare.pid);
  });

  it('again while a restart rolls makes no more spares for that restart', async () => {
    const { made, world, spares } = setUp();
    spares.renew(3);
    world.program = 'newer';
    spares.beginStep();
    spares.beginStep();
    expect(made).toHaveLength(0);
  });

  it('while a spare loads ends that: it may have loaded half of either', async () => {
    const { clock, made, world, spares } = setUp();
    await clock.advance(SETTLED_MS);
    world.program = 'new';
    made[0]?.load();
    await nextTurn();
    expect([made[0]?.state, spares.status.ready]).toEqual(['ended', 0]);
  });
});

describe('auto', () => {
  it('makes a spare where as much memory is left as two clusters take, and ends it where one would not fit', async () => {
    const { clock, log, made, world, waiting } = setUp({ count: 'auto' });
    world.memory = { availableBytes: 199, clusterBytes: 100 };
    await clock.advance(60_000);
    expect(made).toHaveLength(0);
    expect(log.lines.filter(({ msg }) => /too little memory/.test(msg))).toHaveLength(1);
    world.memory = { availableBytes: 200, clusterBytes: 100 };
    const spare = await waiting();
    world.memory = { availableBytes: 100, clusterBytes: 100 };
    await clock.advance(60_000);
    expect(spare.state).toBe('ready');
    world.memory = { availableBytes: 99, clusterBytes: 100 };
    await clock.advance(60_000);
    expect(spare.state).toBe('ended');
    expect(made).toHaveLength(1);
  });

  it('does not count for a number that somebody has set', async () => {
    const { world, waiting } = setUp({ count: 1 });
    world.memory = { availableBytes: 0, clusterBytes: 100 };
    expect((await waiting()).state).toBe('ready');
  });
});

describe('the stop', () => {
  it('ends the spare that waits and the one that loads, and makes none any more', async () => {
    const { clock, made, spares, waiting } = setUp({ count: 2 });
    await waiting();
    expect(made.map(({ state }) => state)).toEqual(['ready', 'starting']);
    await spares.stop();
    expect(made.map(({ state }) => state)).toEqual(['ended', 'ended']);
    await clock.advance(60_000);
    expect([made.length, clock.pendingTimers]).toEqual([2, 0]);
  });

  it('is over when the processes are gone', async () => {
    const { spares, waiting } = setUp();
    const spare = await waiting();
    spare.obeys = false;
    let isOver = false;
    void spares.stop().then(() => {
      isOver = true;
    });
    await nextTurn();
    expect(isOver).toBe(false);
    spare.die();
    await nextTurn();
    expect(isOver).toBe(true);
  });

  it('starts no process for a cluster that waited for a spare', async () => {
    const { clock, host, made, spares } = setUp();
    await clock.advance(SETTLED_MS);
    const started = startCluster(spares, 0);
    await spares.stop();
    await nextTurn();
    expect([made[0]?.state, host.spawned]).toEqual(['ended', []]);
    expect(started.error?.message).toBe('the master stops');
  });
});
