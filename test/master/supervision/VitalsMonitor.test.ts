import { afterEach, describe, expect, it } from 'vitest';
import { VitalsMonitor } from '../../../src/master/supervision/VitalsMonitor.js';
import { type FakeCluster, FakeClusters } from '../../support/FakeClusters.js';
import { ManualClock } from '../../support/ManualClock.js';
import { silentLogger } from '../../support/processes.js';

const LOOK_MS = 250;
const HUNG_AFTER_MS = 2_000;
const LIMIT = 1_000_000_000;

const monitors: VitalsMonitor<FakeCluster>[] = [];
afterEach(async () => {
  for (const monitor of monitors.splice(0)) await monitor.stop();
});

/** Clusters that start, one of which has given its first sign of life, and what the monitor reports of them. */
function setUp(clusterCount = 1) {
  const clock = new ManualClock();
  const clusters = new FakeClusters(clusterCount);
  const hung: { id: number; silentMs: number }[] = [];
  const full: { id: number; detail: string }[] = [];
  const monitor = new VitalsMonitor({
    clusters,
    supervisor: {
      reportHung: ({ id }, silentMs) => void hung.push({ id, silentMs }),
      reportMemory: ({ id }, detail) => void full.push({ id, detail }),
    },
    hungAfterMs: HUNG_AFTER_MS,
    logger: silentLogger(),
    clock,
  });
  monitors.push(monitor);
  for (let id = 0; id < clusterCount; id++) void clusters.spawn(id).catch(() => undefined);
  const cluster = clusters.starting(0);
  giveSign(cluster);
  monitor.start();
  function giveSign(by: FakeCluster, heapUsedBytes = 0): void {
    by.heardAt = clock.now();
    by.vitals = { lagMs: 0, rssBytes: 0, heapUsedBytes, heapLimitBytes: LIMIT };
  }
  /** Lets the monitor look so often, at a cluster that lives. */
  const look = async (times: number, heapUsedBytes = 0): Promise<void> => {
    for (let i = 0; i < times; i++) {
      giveSign(cluster, heapUsedBytes);
      await clock.advance(LOOK_MS);
    }
  };
  return { clock, clusters, cluster, monitor, hung, full, giveSign, look };
}

describe('a cluster that gives no sign of life', () => {
  it('is reported once, when it has been silent for longer than HUNG_AFTER', async () => {
    const { clock, hung } = setUp();
    await clock.advance(HUNG_AFTER_MS);
    expect(hung).toEqual([]);
    await clock.advance(LOOK_MS);
    expect(hung).toEqual([{ id: 0, silentMs: HUNG_AFTER_MS + LOOK_MS }]);
    await clock.advance(60_000);
    expect(hung.length).toBe(1);
  });

  it('and then gives one in time is not', async () => {
    const { clock, cluster, hung, giveSign } = setUp();
    for (let i = 0; i < 10; i++) {
      await clock.advance(HUNG_AFTER_MS);
      giveSign(cluster);
    }
    expect(hung).toEqual([]);
  });

  it('is not suspected before its first one, nor after its end', async () => {
    const { clock, clusters, cluster, hung } = setUp(2);
    cluster.state = 'ended';
    expect(clusters.starting(1).vitals).toBeUndefined();
    await clock.advance(10 * HUNG_AFTER_MS);
    expect(hung).toEqual([]);
  });

  it.each(['starting', 'ready', 'stopping'] as const)('is reported also while it is %s', async (state) => {
    const { clock, cluster, hung } = setUp();
    cluster.state = state;
    await clock.advance(2 * HUNG_AFTER_MS);
    expect(hung.map(({ id }) => id)).toEqual([0]);
  });

  it('does not make another one suspect', async () => {
    const { clock, clusters, hung, giveSign } = setUp(2);
    for (let i = 0; i < 20; i++) {
      giveSign(clusters.starting(1));
      await clock.advance(LOOK_MS);
    }
    expect(hung.map(({ id }) => id)).toEqual([0]);
  });
});

describe('a master that did not run itself', () => {
  it('suspects nobody for that time: silence counts from its end', async () => {
    const { clock, hung } = setUp();
    clock.stall(10 * HUNG_AFTER_MS);
    await clock.advance(HUNG_AFTER_MS);
    expect(hung).toEqual([]);
    await clock.advance(LOOK_MS);
    expect(hung).toEqual([{ id: 0, silentMs: HUNG_AFTER_MS + LOOK_MS }]);
  });

  it('is no excuse where it only came late by up to a second', async () => {
    const { clock, hung } = setUp();
    await clock.advance(HUNG_AFTER_MS - LOOK_MS);
    clock.stall(LOOK_MS + 1_000);
    await clock.advance(0);
    expect(hung).toEqual([{ id: 0, silentMs: HUNG_AFTER_MS + 1_000 }]);
  });
});

describe('a cluster whose heap is nearly full', () => {
  it('is reported after twenty looks in a row above 85 %, and after twenty more', async () => {
    const { full, look } = setUp();
    await look(19, 0.86 * LIMIT);
    expect(full).toEqual([]);
    await look(1, 0.86 * LIMIT);
    expect(full).toEqual([{ id: 0, detail: 'its heap holds 860 MB of 1 GB' }]);
    await look(19, 0.86 * LIMIT);
    expect(full.length).toBe(1);
    await look(1, 0.86 * LIMIT);
    expect(full.length).toBe(2);
  });

  it('is not where a single look saw room, or where it is at 85 % exactly', async () => {
    const { full, look } = setUp();
    await look(19, 0.86 * LIMIT);
    await look(1, 0.5 * LIMIT);
    await look(19, 0.86 * LIMIT);
    await look(100, 0.85 * LIMIT);
    expect(full).toEqual([]);
  });
});

describe('a monitor that is stopped', () => {
  it('looks no more, and leaves no timer', async () => {
    const { clock, monitor, hung } = setUp();
    await monitor.stop();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(10 * HUNG_AFTER_MS);
    expect(hung).toEqual([]);
  });
});
