import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobDefinition, JobRunEnd, JobRunId, ProcessEnd } from '../../../src/core/contracts/ClusterContract.js';
import { KallistiError, RequestTimeoutError, WorkerExitedError } from '../../../src/core/errors.js';
import type { WorkerPoolEvents } from '../../../src/core/worker/WorkerPool.js';
import { JobBook } from '../../../src/master/jobs/JobBook.js';
import { type JobCluster, type JobClusters, JobScheduler } from '../../../src/master/jobs/JobScheduler.js';
import { ManualClock } from '../../support/ManualClock.js';
import { type MemoryLogger, memoryLogger } from '../../support/memoryLogger.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const every = (everyMs: number, name = 'job'): JobDefinition => ({ name, schedule: { everyMs }, onCrash: 'again' });
const cron = (expression: string): JobDefinition => ({
  ...{ name: 'job', onCrash: 'again' },
  schedule: { cron: expression, timezone: 'UTC' },
});

/** A cluster without a process, which remembers the runs that it was given. */
class FakeCluster implements JobCluster {
  public readonly given: JobRunId[] = [];
  public answer: () => Promise<undefined> = () => Promise.resolve(undefined);
  public readonly ended = Promise.resolve({ code: null, signal: null });

  public constructor(
    private readonly world: World,
    public readonly id: number,
    public readonly pid: number,
  ) {}

  public request(_name: 'runJob', run: JobRunId): Promise<undefined> {
    this.given.push(run);
    return this.answer();
  }

  public get last(): JobRunId {
    const last = this.given.at(-1);
    if (last === undefined) throw new Error(`cluster ${this.id} was given nothing`);
    return last;
  }

  public end(outcome: JobRunEnd['outcome'] = 'done', run: JobRunId = this.last): void {
    this.world.scheduler.runEnded(this, { ...run, outcome });
  }
}

class FakePool extends EventEmitter<WorkerPoolEvents<JobCluster>> implements JobClusters {
  public readonly ready = new Set<JobCluster>();
  public readonly starting = new Set<JobCluster>();

  public get alive(): readonly JobCluster[] {
    return [...this.ready, ...this.starting];
  }

  public [Symbol.iterator](): Iterator<JobCluster> {
    return this.ready.values();
  }
}

/** One master and its clusters. */
class World {
  public readonly pool = new FakePool();
  public readonly ends = new Map<number, ProcessEnd>();
  public readonly outcomes: string[] = [];
  public readonly scheduler: JobScheduler;
  #pids: number;

  public constructor(dataDir: string, clock: ManualClock, log: MemoryLogger, pids = 100) {
    this.#pids = pids;
    this.scheduler = new JobScheduler({
      clusters: this.pool,
      book: new JobBook(dataDir, log.logger),
      endOf: (pid) => this.ends.get(pid) ?? null,
      onOutcome: (job, outcome) => this.outcomes.push(`${job} ${outcome}`),
      logger: log.logger,
      clock,
    });
    this.scheduler.start();
  }

  public cluster(id: number, pid = ++this.#pids): FakeCluster {
    const cluster = new FakeCluster(this, id, pid);
    this.pool.starting.add(cluster);
    return cluster;
  }

  public declare(
    cluster: FakeCluster,
    jobs: readonly JobDefinition[],
    {
      ageMs = 0,
      running = [],
      ended = [],
    }: { ageMs?: number; running?: readonly JobRunId[]; ended?: readonly JobRunEnd[] } = {},
  ): void {
    this.scheduler.declare(cluster, { ageMs, jobs, running, ended });
  }

  public getReady(cluster: FakeCluster): FakeCluster {
    this.pool.starting.delete(cluster);
    this.pool.ready.add(cluster);
    this.pool.emit('spawnedworker', cluster);
    return cluster;
  }

  public spawn(id: number, ...jobs: readonly JobDefinition[]): FakeCluster {
    const cluster = this.cluster(id);
    this.declare(cluster, jobs);
    return this.getReady(cluster);
  }

  /** As a new master takes over a cluster that an earlier one has left. */
  public attach({ id, pid }: FakeCluster): FakeCluster {
    return this.getReady(this.cluster(id, pid));
  }

  /** @param cause undefined where nobody has seen how. */
  public async die(cluster: FakeCluster, cause?: ProcessEnd['cause']): Promise<void> {
    if (cause !== undefined) this.ends.set(cluster.pid, { cause, steadyAt: 0, detail: 'it ended' });
    this.pool.ready.delete(cluster);
    this.pool.starting.delete(cluster);
    this.pool.emit('killedworker', cluster);
    await clock.advance(0);
  }
}

let dataDir: string;
let clock: ManualClock;
let log: MemoryLogger;
let world: World;

/** The next master on the same DATA_DIR. The old one has died, or let go of its clusters. */
function nextMaster(pids = 200): World {
  world.scheduler.stop();
  world = new World(dataDir, clock, log, pids);
  return world;
}

const dueTimes = (...clusters: FakeCluster[]): number[] =>
  clusters.flatMap(({ given }) => given.map(({ dueAt }) => dueAt - START)).sort((a, b) => a - b);

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'kallisti-jobs-'));
  clock = new ManualClock(START);
  log = memoryLogger();
  world = new World(dataDir, clock, log);
});
afterEach(() => {
  world.scheduler.stop();
  expect(clock.pendingTimers).toBe(0);
  rmSync(dataDir, { recursive: true });
});

describe('a job', () => {
  it('with a period is due one period after it was first seen, and again after each', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, every(MINUTE));
    await clock.advance(MINUTE - 1);
    expect(cluster.given).toEqual([]);
    await clock.advance(1);
    expect(cluster.given).toEqual([{ name: 'job', dueAt: START + MINUTE, attempt: 1 }]);
    cluster.end();
    await clock.advance(2 * MINUTE);
    expect(dueTimes(cluster)).toEqual([MINUTE, 2 * MINUTE]);
    expect(world.outcomes).toEqual(['job done', 'job skipped']);
  });

  it('with a cron expression is due when that says', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, cron('30 9 * * *'));
    await clock.advance(9 * HOUR);
    expect(cluster.given).toEqual([]);
    await clock.advance(HOUR);
    cluster.end();
    await clock.advance(DAY);
    expect(dueTimes(cluster)).toEqual([9.5 * HOUR, 33.5 * HOUR]);
  });

  it('is due in time although timers fire a moment too early', async () => {
    clock = new ManualClock(START, 1);
    world.scheduler.stop();
    world = new World(dataDir, clock, log);
    world.scheduler.begin();
    const cluster = world.spawn(0, every(1_000));
    await clock.advance(1_001);
    expect(dueTimes(cluster)).toEqual([1_000]);
  });

  it('is not started while its last run goes on; that is counted, and the next due time is not late for it', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, every(MINUTE));
    await clock.advance(3.5 * MINUTE);
    expect(cluster.given).toHaveLength(1);
    cluster.end();
    await clock.advance(MINUTE);
    expect(dueTimes(cluster)).toEqual([MINUTE, 4 * MINUTE]);
    expect(world.outcomes).toEqual(['job skipped', 'job skipped', 'job done']);
  });

  it('runs once after the master itself stood still for many due times', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, every(MINUTE));
    clock.stall(10.5 * MINUTE);
    await clock.advance(0);
    expect(dueTimes(cluster)).toEqual([10 * MINUTE]);
  });

  it('goes to the clusters in turn, and not to one that has a run of another job', async () => {
    world.scheduler.begin();
    const jobs = [every(MINUTE, 'a'), every(MINUTE, 'b')];
    const [first, second] = [world.spawn(0, ...jobs), world.spawn(1, ...jobs)];
    await clock.advance(MINUTE);
    expect([first.given, second.given].map((given) => given.map(({ name }) => name))).toEqual([['a'], ['b']]);
    second.end();
    await clock.advance(MINUTE);
    expect(second.given.map(({ name }) => name)).toEqual(['b', 'b']);
    first.end();
    second.end();
    await clock.advance(MINUTE);
    expect(first.given).toHaveLength(2);
  });

  it('that threw is not repeated', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, every(MINUTE));
    await clock.advance(MINUTE);
    cluster.end('failed');
    await clock.advance(MINUTE - 1);
    expect(cluster.given).toHaveLength(1);
    expect(world.outcomes).toEqual(['job failed']);
  });

  it('waits for a cluster that has it: until then nothing is missed, and only the last due time is made up for', async () => {
    world.scheduler.begin();
    const first = world.spawn(0, every(MINUTE));
    await world.die(first, 'killed');
    await clock.advance(5.5 * MINUTE);
    expect(world.outcomes).toEqual([]);
    const second = world.spawn(0, every(MINUTE));
    expect(dueTimes(second)).toEqual([5 * MINUTE]);
  });

  it('is not given to a cluster that is not ready, nor to one that does not have it', async () => {
    world.scheduler.begin();
    const ready = world.spawn(0, every(MINUTE));
    const other = world.spawn(1);
    const starting = world.cluster(2);
    world.declare(starting, [every(MINUTE)]);
    for (let run = 0; run < 4; run++) {
      await clock.advance(MINUTE);
      ready.end();
    }
    expect([ready, other, starting].map(({ given }) => given.length)).toEqual([4, 0, 0]);
  });
});

describe('where the process of a run ends', () => {
  beforeEach(() => world.scheduler.begin());

  /** Two clusters; the first has a run. */
  async function running(definition = every(HOUR)): Promise<readonly [FakeCluster, FakeCluster]> {
    const clusters = [world.spawn(0, definition), world.spawn(1, definition)] as const;
    await clock.advance(HOUR);
    expect(clusters.map(({ given }) => given.length)).toEqual([1, 0]);
    return clusters;
  }

  it('another cluster does it again at once, as the next attempt', async () => {
    const [first, second] = await running();
    await world.die(first, 'killed');
    expect(second.given).toEqual([{ name: 'job', dueAt: START + HOUR, attempt: 2 }]);
    // A late word of the first attempt means nothing.
    first.end();
    expect(world.outcomes).toEqual([]);
    second.end();
    expect(world.outcomes).toEqual(['job done']);
  });

  it('it is not done again if it had said its end before', async () => {
    const [first, second] = await running();
    first.end();
    await world.die(first, 'killed');
    expect(second.given).toEqual([]);
    expect(world.outcomes).toEqual(['job done']);
  });

  it('it is not done again if the job says drop', async () => {
    const [first, second] = await running({ ...every(HOUR), onCrash: 'drop' });
    await world.die(first, 'itself');
    expect(second.given).toEqual([]);
    expect(world.outcomes).toEqual(['job dropped']);
    expect(log.warnings()).toEqual(["the process that ran job 'job' ended before it; it is not done again"]);
  });

  it.each([
    ['itself', 2],
    ['hung', 2],
    ['killed', 3],
    [undefined, 3],
  ] as const)('(%s) it is given up with process number %d', async (cause, deaths) => {
    let [cluster, next] = await running();
    for (let death = 1; death < deaths; death++) {
      await world.die(cluster, cause);
      expect(next.last.attempt).toBe(death + 1);
      [cluster, next] = [next, world.spawn(cluster.id, every(HOUR))];
    }
    await world.die(cluster, cause);
    expect(next.given).toEqual([]);
    expect(world.outcomes).toEqual(['job given_up']);
    expect(log.lines.filter(({ level }) => level === 50).map(({ msg }) => msg)).toEqual([
      `job 'job' is given up for this time: ${deaths} processes ended while they ran it`,
    ]);
    await clock.advance(HOUR);
    expect(next.last).toEqual({ name: 'job', dueAt: START + 2 * HOUR, attempt: 1 });
  });

  it('after it has said that it stops, that is no death of the run, and nobody has it before the process is gone', async () => {
    let [cluster, next] = await running();
    for (let stop = 1; stop <= 5; stop++) {
      cluster.end('interrupted');
      expect(next.given).toEqual([]);
      await world.die(cluster, 'itself');
      expect(next.last.attempt).toBe(stop + 1);
      [cluster, next] = [next, world.spawn(cluster.id, every(HOUR))];
    }
    await world.die(cluster, 'itself');
    expect(next.last.attempt).toBe(7);
    expect(world.outcomes).toEqual([]);
  });

  it('after it has said that it stops, the deaths before are not held against the run', async () => {
    let [cluster, next] = await running();
    for (let death = 1; death <= 2; death++) {
      await world.die(cluster, 'killed');
      [cluster, next] = [next, world.spawn(cluster.id, every(HOUR))];
    }
    cluster.end('interrupted');
    await world.die(cluster, 'itself');
    expect(next.last.attempt).toBe(4);
  });

  it('after it has said that it stops, a job that says drop is not done again', async () => {
    const [first, second] = await running({ ...every(HOUR), onCrash: 'drop' });
    first.end('interrupted');
    await world.die(first, 'itself');
    expect([second.given, world.outcomes]).toEqual([[], ['job dropped']]);
  });

  it('in a rolling restart the old process has its run until it says its end, and the new one gets the next', async () => {
    const [first] = await running();
    const successor = world.cluster(0);
    world.declare(successor, [every(HOUR)]);
    // The pool knows the newest life only; the old one drains.
    world.pool.ready.delete(first);
    world.getReady(successor);
    expect(successor.given).toEqual([]);
    first.end();
    await world.die(first, 'itself');
    expect(world.outcomes).toEqual(['job done']);
  });
});

describe('where a cluster does not answer as it should', () => {
  beforeEach(() => world.scheduler.begin());

  async function refusing(error: Error): Promise<readonly [FakeCluster, FakeCluster]> {
    const clusters = [world.spawn(0, every(MINUTE)), world.spawn(1, every(MINUTE))] as const;
    clusters[0].answer = () => Promise.reject(error);
    await clock.advance(MINUTE);
    return clusters;
  }

  it('and refuses the run, another one gets it as the same attempt, and it is not asked again', async () => {
    const [first, second] = await refusing(new KallistiError('JOB_REFUSED', 'it stops'));
    expect(second.given).toEqual([{ name: 'job', dueAt: START + MINUTE, attempt: 1 }]);
    second.end();
    await clock.advance(MINUTE);
    expect([first.given.length, second.given.length]).toEqual([1, 2]);
  });

  it('and is slow, it has the run as long as it lives', async () => {
    const [first, second] = await refusing(new RequestTimeoutError('runJob', 10_000));
    await clock.advance(MINUTE);
    expect(second.given).toEqual([]);
    first.end();
    expect(world.outcomes).toEqual(['job skipped', 'job done']);
  });

  it('because it is gone, another one gets the run when that is seen', async () => {
    const [first, second] = await refusing(
      new WorkerExitedError('runJob', 'cluster 0', { code: null, signal: 'SIGKILL' }),
    );
    expect(second.given).toEqual([]);
    await world.die(first, 'killed');
    expect(second.last.attempt).toBe(2);
  });
});

describe('a new master', () => {
  it('makes up for the last due time only, if the bot was down', async () => {
    world.scheduler.begin();
    world.spawn(0, every(HOUR)).answer = () => Promise.resolve(undefined);
    await clock.advance(0);
    world.scheduler.stop();
    clock.stall(5.5 * HOUR);
    nextMaster().scheduler.begin();
    const cluster = world.spawn(0, every(HOUR));
    expect(dueTimes(cluster)).toEqual([5 * HOUR]);
    cluster.end();
    await clock.advance(HOUR);
    expect(dueTimes(cluster)).toEqual([5 * HOUR, 6 * HOUR]);
  });

  it('makes up for the last due time of a cron expression only', async () => {
    world.scheduler.begin();
    world.spawn(0, cron('0 9 * * *'));
    world.scheduler.stop();
    clock.stall(10 * DAY);
    nextMaster().scheduler.begin();
    expect(dueTimes(world.spawn(0, cron('0 9 * * *')))).toEqual([9 * DAY + 9 * HOUR]);
  });

  it('gives out nothing before the clusters of the old one have been taken over', async () => {
    world.scheduler.begin();
    const old = world.spawn(0, every(HOUR));
    world.scheduler.stop();
    clock.stall(HOUR);
    nextMaster();
    const cluster = world.attach(old);
    world.declare(cluster, [every(HOUR)]);
    await clock.advance(MINUTE);
    expect(cluster.given).toEqual([]);
    world.scheduler.begin();
    expect(dueTimes(cluster)).toEqual([HOUR]);
  });

  it('makes up for nothing if nothing came due', async () => {
    world.scheduler.begin();
    world.spawn(0, every(HOUR));
    await clock.advance(HOUR / 2);
    nextMaster().scheduler.begin();
    const cluster = world.spawn(0, every(HOUR));
    expect(cluster.given).toEqual([]);
    await clock.advance(HOUR / 2);
    expect(dueTimes(cluster)).toEqual([HOUR]);
  });

  /** The old master has given a run to cluster 0, and died. */
  async function leftRunning(definition = every(HOUR)): Promise<readonly [FakeCluster, FakeCluster]> {
    world.scheduler.begin();
    const clusters = [world.spawn(0, definition), world.spawn(1, definition)] as const;
    await clock.advance(HOUR);
    nextMaster();
    return clusters;
  }

  it('waits for a run that goes on in a cluster', async () => {
    const [old] = await leftRunning();
    const cluster = world.attach(old);
    world.scheduler.begin();
    world.declare(cluster, [every(HOUR)], { running: [old.last] });
    await clock.advance(HOUR);
    expect([cluster.given, world.outcomes]).toEqual([[], ['job skipped']]);
    cluster.end('done', old.last);
    expect(world.outcomes).toEqual(['job skipped', 'job done']);
  });

  it('hears of a run that ended while there was no master', async () => {
    const [old, other] = await leftRunning();
    const clusters = [world.attach(old), world.attach(other)] as const;
    world.scheduler.begin();
    world.declare(clusters[1], [every(HOUR)]);
    expect(clusters[1].given).toEqual([]);
    world.declare(clusters[0], [every(HOUR)], { ended: [{ ...old.last, outcome: 'done' }] });
    expect([...clusters.flatMap(({ given }) => given)]).toEqual([]);
    expect(world.outcomes).toEqual(['job done']);
  });

  it('gives a run of which the cluster has not heard, as the same attempt', async () => {
    const [old] = await leftRunning();
    const cluster = world.attach(old);
    world.scheduler.begin();
    world.declare(cluster, [every(HOUR)]);
    expect(cluster.given).toEqual([{ name: 'job', dueAt: START + HOUR, attempt: 1 }]);
  });

  it('gives a run again whose process is gone, and does not before it knows which ones live', async () => {
    const [, other] = await leftRunning();
    const cluster = world.attach(other);
    world.declare(cluster, [every(HOUR)]);
    expect(cluster.given).toEqual([]);
    world.scheduler.begin();
    expect(cluster.last).toEqual({ name: 'job', dueAt: START + HOUR, attempt: 2 });
  });

  it('gives a run again whose process dies before it has said anything', async () => {
    const [old, other] = await leftRunning();
    const clusters = [world.attach(old), world.attach(other)] as const;
    world.scheduler.begin();
    world.declare(clusters[1], [every(HOUR)]);
    await world.die(clusters[0], 'killed');
    expect(clusters[1].last.attempt).toBe(2);
  });

  it('goes on counting deaths where the old one was', async () => {
    const [old, other] = await leftRunning();
    const [first, second] = [world.attach(old), world.attach(other)];
    world.scheduler.begin();
    world.declare(first, [every(HOUR)], { running: [old.last] });
    world.declare(second, [every(HOUR)]);
    await world.die(first, 'itself');
    expect(second.last.attempt).toBe(2);
    nextMaster(300);
    const attached = world.attach(second);
    world.scheduler.begin();
    world.declare(attached, [every(HOUR)], { running: [second.last] });
    await world.die(attached, 'itself');
    expect(world.outcomes).toEqual(['job given_up']);
  });

  it.each(['garbage', undefined])('waits for a run that goes on although jobs.json is lost (%s)', async (content) => {
    const [old] = await leftRunning();
    world.scheduler.stop();
    const path = join(dataDir, 'jobs.json');
    if (content === undefined) rmSync(path);
    else writeFileSync(path, content);
    nextMaster();
    const cluster = world.attach(old);
    world.scheduler.begin();
    world.declare(cluster, [every(HOUR)], { running: [old.last] });
    await clock.advance(HOUR);
    expect(cluster.given).toEqual([]);
    cluster.end('done', old.last);
    await clock.advance(HOUR);
    expect(cluster.given).toHaveLength(1);
    expect(log.warnings()).toHaveLength(content === undefined ? 0 : 1);
  });

  it('knows what was decided before a cluster has heard of it', async () => {
    world.scheduler.begin();
    const cluster = world.spawn(0, every(HOUR));
    let written: unknown;
    cluster.answer = () => {
      written = JSON.parse(readFileSync(join(dataDir, 'jobs.json'), 'utf8'));
      return Promise.resolve(undefined);
    };
    await clock.advance(HOUR);
    const run = { dueAt: START + HOUR, attempt: 1, deaths: 0, onCrash: 'again', pid: cluster.pid };
    expect(written).toEqual({
      version: 1,
      jobs: [{ name: 'job', schedule: { everyMs: HOUR }, lastDueAt: START + HOUR, run }],
    });
  });
});

describe('a stop', () => {
  beforeEach(() => world.scheduler.begin());

  it('gives out nothing more, hears the ends of runs, and keeps what was cut off for the next start', async () => {
    const jobs = [every(HOUR, 'a'), every(HOUR, 'b')];
    const [first, second] = [world.spawn(0, ...jobs), world.spawn(1, ...jobs)];
    await clock.advance(HOUR);
    world.scheduler.close();
    first.end();
    second.end('interrupted');
    await world.die(second, 'itself');
    await clock.advance(1.5 * HOUR);
    expect([first.given.length, second.given.length]).toEqual([1, 1]);
    await world.die(first, 'itself');
    nextMaster().scheduler.begin();
    const next = world.spawn(0, ...jobs);
    expect(next.given).toEqual([
      { name: 'a', dueAt: START + 2 * HOUR, attempt: 1 },
      { name: 'b', dueAt: START + HOUR, attempt: 2 },
    ]);
  });

  it('that leaves its clusters to a new master takes their leave for no death', async () => {
    const cluster = world.spawn(0, every(HOUR));
    await clock.advance(HOUR);
    world.scheduler.stop();
    await world.die(cluster);
    const { jobs } = JSON.parse(readFileSync(join(dataDir, 'jobs.json'), 'utf8'));
    expect(jobs[0].run).toMatchObject({ pid: cluster.pid, deaths: 0 });
  });
});

describe('clusters with different code', () => {
  beforeEach(() => world.scheduler.begin());

  it('have the job defined by the youngest process, whoever says it first', async () => {
    const [young, old] = [world.cluster(0), world.cluster(1)];
    world.declare(young, [every(MINUTE)], { ageMs: 1_000 });
    world.declare(old, [every(HOUR)], { ageMs: 100_000 });
    world.getReady(young);
    world.getReady(old);
    await clock.advance(MINUTE);
    expect(dueTimes(young, old)).toEqual([MINUTE]);
  });

  it('do not follow a new definition before its cluster is ready', async () => {
    const old = world.spawn(0, every(HOUR));
    const young = world.cluster(1);
    world.declare(young, [every(MINUTE)]);
    await clock.advance(2 * MINUTE);
    expect(old.given).toEqual([]);
    world.getReady(young);
    await clock.advance(MINUTE);
    expect(dueTimes(old, young)).toEqual([3 * MINUTE]);
  });

  it('run a job that only some of them have on those', async () => {
    const old = world.spawn(0);
    const young = world.spawn(1, every(MINUTE));
    for (let run = 0; run < 3; run++) {
      await clock.advance(MINUTE);
      young.end();
    }
    expect([old.given.length, young.given.length]).toEqual([0, 3]);
  });

  it('make up for nothing that a changed schedule would have had before', async () => {
    const old = world.spawn(0, cron('0 12 * * *'));
    await clock.advance(8.5 * HOUR);
    const young = world.spawn(1, cron('0 8 * * *'));
    await clock.advance(8 * HOUR);
    expect(dueTimes(old, young)).toEqual([]);
    await clock.advance(16 * HOUR);
    expect(dueTimes(old, young)).toEqual([32 * HOUR]);
  });
});

describe('a wall clock that is set', () => {
  beforeEach(() => world.scheduler.begin());

  /** How many due times of a job every minute come in ten minutes. */
  async function runsInTenMinutes(cluster: FakeCluster): Promise<number> {
    const before = cluster.given.length;
    for (let step = 0; step < 60; step++) {
      await clock.advance(10_000);
      if (cluster.given.length > 0) cluster.end();
    }
    expect(new Set(cluster.given.map(({ dueAt }) => dueAt)).size).toBe(cluster.given.length);
    return cluster.given.length - before;
  }

  it.each([-10 * DAY, -HOUR, -5_000, 5_000, HOUR, 10 * DAY])(
    'by %d ms makes a period neither shorter nor longer',
    async (byMs) => {
      const cluster = world.spawn(0, every(MINUTE));
      expect(await runsInTenMinutes(cluster)).toBe(10);
      clock.jumpWallClock(byMs);
      expect(await runsInTenMinutes(cluster)).toBe(10);
      // Due times are those of the clock, unless that went back: then they stay ahead, so that none comes twice.
      const aheadMs = byMs < 0 && byMs > -DAY ? -byMs : 0;
      expect(Math.abs(cluster.last.dueAt - aheadMs - clock.wallNow())).toBeLessThanOrEqual(MINUTE);
    },
  );

  it('forward runs a cron expression once for all that it has jumped over', async () => {
    const cluster = world.spawn(0, cron('0 * * * *'));
    clock.jumpWallClock(5.5 * HOUR);
    await clock.advance(MINUTE);
    expect(dueTimes(cluster)).toEqual([5 * HOUR]);
    cluster.end();
    await clock.advance(HOUR);
    expect(dueTimes(cluster)).toEqual([5 * HOUR, 6 * HOUR]);
  });

  it('back brings no due time of a cron expression twice', async () => {
    const cluster = world.spawn(0, cron('0 * * * *'));
    await clock.advance(HOUR);
    cluster.end();
    clock.jumpWallClock(-HOUR / 2);
    await clock.advance(HOUR);
    expect(dueTimes(cluster)).toEqual([HOUR]);
    await clock.advance(HOUR / 2);
    expect(dueTimes(cluster)).toEqual([HOUR, 2 * HOUR]);
  });

  it('back by more than a day was wrong before: a cron expression goes by the new time', async () => {
    clock.jumpWallClock(400 * DAY);
    const cluster = world.spawn(0, cron('0 * * * *'));
    await clock.advance(HOUR);
    cluster.end();
    clock.jumpWallClock(-400 * DAY);
    await clock.advance(HOUR);
    expect(cluster.last.dueAt).toBe(START + 2 * HOUR);
  });

  it('back while the bot was down keeps no period waiting for longer than it is', async () => {
    const cluster = world.spawn(0, every(MINUTE));
    await runsInTenMinutes(cluster);
    clock.jumpWallClock(-HOUR);
    nextMaster().scheduler.begin();
    const next = world.spawn(0, every(MINUTE));
    await clock.advance(MINUTE);
    expect(next.given).toHaveLength(1);
    expect(next.last.dueAt).toBeGreaterThan(cluster.last.dueAt);
  });
});
