import type { EventEmitter } from 'node:events';
import type {
  JobDeclaration,
  JobDefinition,
  JobRunEnd,
  JobRunId,
  ProcessEnd,
} from '../../core/contracts/ClusterContract.js';
import { RequestTimeoutError, WorkerExitedError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { BaseService } from '../../core/services/BaseService.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import { Schedule } from '../../core/time/Schedule.js';
import type { WorkerPoolEvents } from '../../core/worker/WorkerPool.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { JobBook, JobState, RunState } from './JobBook.js';
import { JobTime } from './JobTime.js';

/** What the scheduler needs of one life of a cluster. */
export type JobCluster = Pick<ClusterConnection, 'id' | 'pid' | 'ended'> & {
  request(name: 'runJob', run: JobRunId): Promise<undefined>;
};

/** What it needs of the pool. It iterates over the ready clusters. */
export interface JobClusters
  extends Iterable<JobCluster>,
    Pick<EventEmitter<WorkerPoolEvents<JobCluster>>, 'on' | 'off'> {
  readonly alive: readonly JobCluster[];
}

/** What has become of a run. `skipped`: it came due while the one before it still went on. */
export type JobOutcome = 'done' | 'failed' | 'skipped' | 'dropped' | 'given_up';

export interface JobSchedulerOptions {
  readonly clusters: JobClusters;
  readonly book: JobBook;
  /** How a process ended; null where nobody has seen it. */
  readonly endOf: (pid: number) => ProcessEnd | null;
  readonly onOutcome: (job: string, outcome: JobOutcome) => void;
  readonly logger: Logger;
  /** Default: the system's. */
  readonly clock?: Clock;
}

interface Declared {
  readonly bornAt: number;
  readonly jobs: Map<string, JobDefinition>;
}

/** The clock is looked at so often at least, in milliseconds: somebody may have set it. */
const MAX_WAIT_MS = 30_000;
/** With how many processes that died of it a run is given up. One that was killed from outside is hardly to blame. */
const MAX_DEATHS: Readonly<Record<ProcessEnd['cause'], number>> = { killed: 3, itself: 2, hung: 2 };

/**
 * Decides when a run of a job is due, and which cluster does it. At any time at most one process has a run of a job: the next one
 * gets it when that process has said that it ended, or is gone. What comes due meanwhile is skipped.
 *
 * Every decision is written down before a cluster hears of it, so that the next master neither forgets a run nor gives it twice.
 */
export class JobScheduler extends BaseService {
  readonly #options: JobSchedulerOptions;
  readonly #clock: Clock;
  readonly #time: JobTime;
  /** By pid. */
  readonly #declared = new Map<number, Declared>();
  /** By cluster id, in the order in which they were given a run. */
  readonly #lastGiven = new Map<number, number>();
  #givenRuns = 0;
  #timer: Timer | undefined;
  #state: 'hearing' | 'giving' | 'closed' | 'stopped' = 'stopped';

  public constructor(options: JobSchedulerOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#time = new JobTime(this.#clock);
  }

  /** Reads what an earlier master has left, and hears clusters. It gives out nothing before `begin`. */
  public start(): void {
    const { clusters, book } = this.#options;
    this.#state = 'hearing';
    book.load();
    this.#time.start(book.jobs);
    clusters.on('spawnedworker', this.#onReady);
    clusters.on('killedworker', this.#onEnded);
  }

  /** All clusters of the earlier master that still live have been taken over: other processes that had runs are gone. */
  public begin(): void {
    if (this.#state !== 'hearing') return;
    this.#state = 'giving';
    const living = new Set(this.#options.clusters.alive.map(({ pid }) => pid));
    for (const job of this.#options.book.jobs) {
      if (job.run?.pid !== undefined && !living.has(job.run.pid)) this.#lose(job, job.run, null);
    }
    this.#decide();
  }

  /** Gives out no more runs, and still hears how those that are out end: the bot stops. */
  public close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#state !== 'stopped') this.#state = 'closed';
  }

  public stop(): void {
    this.close();
    this.#state = 'stopped';
    this.#options.clusters.off('spawnedworker', this.#onReady);
    this.#options.clusters.off('killedworker', this.#onEnded);
  }

  /** A cluster says which jobs it has, and what it has done for an earlier master. */
  public declare(cluster: JobCluster, { ageMs, jobs, running, ended }: JobDeclaration): undefined {
    const { pid } = cluster;
    if (pid === undefined || this.#state === 'stopped') return;
    const declared = { bornAt: this.#clock.now() - ageMs, jobs: new Map(jobs.map((job) => [job.name, job])) };
    this.#declared.set(pid, declared);
    for (const end of ended) this.#hearEnd(pid, end);
    for (const run of running) this.#adopt(pid, run, declared);
    for (const { run, name } of this.#options.book.jobs) {
      if (run?.pid !== pid || run.isInterrupted === true) continue;
      // The earlier master died before the cluster heard of it.
      if (!running.some((other) => other.name === name && other.dueAt === run.dueAt)) takeBack(run);
    }
    this.#define(cluster);
    this.#decide();
  }

  /** A cluster says that a run has ended. */
  public runEnded({ pid }: JobCluster, end: JobRunEnd): undefined {
    if (pid === undefined || this.#state === 'stopped') return;
    this.#hearEnd(pid, end);
    this.#decide();
  }

  readonly #onReady = (cluster: JobCluster): void => {
    this.#define(cluster);
    this.#decide();
  };

  readonly #onEnded = (cluster: JobCluster): void => {
    const { pid } = cluster;
    if (pid === undefined) return;
    this.#declared.delete(pid);
    // After those who note how it ended.
    void cluster.ended.then(() => {
      if (this.#state === 'stopped') return;
      for (const job of this.#options.book.jobs) {
        if (job.run?.pid === pid) this.#lose(job, job.run, this.#options.endOf(pid));
      }
      this.#decide();
    });
  };

  /** Takes over the definitions of a ready cluster, where they are newer than those that are known. */
  #define(cluster: JobCluster): void {
    const declared = this.#declaredBy(cluster);
    if (declared === undefined || !this.#ready().includes(cluster)) return;
    for (const definition of declared.jobs.values()) {
      const job = this.#options.book.find(definition.name);
      if (job === undefined) this.#addJob(definition, declared.bornAt);
      else if (declared.bornAt >= job.bornAt) this.#redefine(job, definition, declared.bornAt);
    }
    this.#options.book.save();
  }

  #addJob({ name, schedule: definition, onCrash }: JobDefinition, bornAt: number): JobState {
    const schedule = new Schedule(definition);
    const job = { name, schedule, onCrash, bornAt, lastDueAt: this.#time.now({ schedule }), run: undefined };
    this.#options.book.add(job);
    return job;
  }

  #redefine(job: JobState, { schedule: definition, onCrash }: JobDefinition, bornAt: number): void {
    const schedule = new Schedule(definition);
    job.bornAt = bornAt;
    job.onCrash = onCrash;
    if (job.schedule.equals(schedule)) return;
    job.schedule = schedule;
    // What would have been due before by the new schedule is not made up for.
    job.lastDueAt = this.#time.now(job);
  }

  /** A cluster has a run of which this master may not know: what the earlier one wrote down can be lost. */
  #adopt(pid: number, { name, dueAt, attempt }: JobRunId, { bornAt, jobs }: Declared): void {
    const definition = jobs.get(name);
    if (definition === undefined) return;
    const job = this.#options.book.find(name) ?? this.#addJob(definition, bornAt);
    if (job.run !== undefined) return;
    job.lastDueAt = Math.max(job.lastDueAt, dueAt);
    job.run = { dueAt, attempt, deaths: 0, onCrash: definition.onCrash, pid };
  }

  #hearEnd(pid: number, { name, dueAt, outcome }: JobRunEnd): void {
    const job = this.#options.book.find(name);
    const run = job?.run;
    if (job === undefined || run?.pid !== pid || run.dueAt !== dueAt) return;
    // Its process still lives, and may still be sending. The next one gets it when that is gone.
    if (outcome === 'interrupted') run.isInterrupted = true;
    else this.#close(job, outcome);
    this.#options.book.save();
  }

  /** The process that had a run is gone. */
  #lose(job: JobState, run: RunState, end: ProcessEnd | null): void {
    const { logger, book } = this.#options;
    const { attempt, dueAt, onCrash } = run;
    const isDeath = run.isInterrupted !== true;
    if (isDeath) run.deaths++;
    run.pid = undefined;
    run.isInterrupted = undefined;
    const facts = { job: job.name, dueAt, attempt, ...(end === null ? {} : { end: end.detail, stack: end.stack }) };
    if (isDeath && run.deaths >= MAX_DEATHS[end?.cause ?? 'killed']) {
      logger.error(
        facts,
        `job '${job.name}' is given up for this time: ${run.deaths} processes ended while they ran it`,
      );
      this.#close(job, 'given_up');
    } else if (onCrash === 'drop') {
      logger.warn(facts, `the process that ran job '${job.name}' ended before it; it is not done again`);
      this.#close(job, 'dropped');
    } else {
      logger.info(facts, `the process that ran job '${job.name}' ended before it; another one does it again`);
    }
    book.save();
  }

  #close(job: JobState, outcome: JobOutcome): void {
    job.run = undefined;
    this.#options.onOutcome(job.name, outcome);
  }

  /** Finds out what is due, gives it out, and waits for what comes next. */
  #decide(): void {
    if (this.#state !== 'giving') return;
    const { book } = this.#options;
    this.#time.follow(book.jobs);
    let waitMs = MAX_WAIT_MS;
    let hasJobs = false;
    for (const job of book.jobs) {
      // One that no cluster has is not missed before a cluster has it.
      if (this.#takers(job).length === 0) continue;
      hasJobs = true;
      const now = this.#time.now(job);
      const dueAt = job.schedule.latest(job.lastDueAt, now);
      if (dueAt !== undefined) this.#due(job, dueAt);
      if (job.run !== undefined && job.run.pid === undefined) this.#give(job, job.run);
      const next = job.schedule.next(job.lastDueAt);
      if (next !== undefined) waitMs = Math.min(waitMs, next - now);
    }
    this.#timer?.cancel();
    this.#timer = hasJobs ? this.#clock.setTimeout(() => this.#decide(), Math.max(1, waitMs)) : undefined;
  }

  #due(job: JobState, dueAt: number): void {
    job.lastDueAt = dueAt;
    if (job.run !== undefined) {
      const { name } = job;
      this.#options.logger.debug({ job: name, dueAt }, 'a run of a job is skipped: the one before it still goes on');
      this.#options.onOutcome(name, 'skipped');
      return;
    }
    job.run = { dueAt, attempt: 0, deaths: 0, onCrash: job.onCrash };
  }

  #give(job: JobState, run: RunState): void {
    const { book, logger } = this.#options;
    const [taker] = this.#takers(job);
    if (taker?.pid === undefined) return;
    const { pid } = taker;
    run.pid = pid;
    run.attempt++;
    this.#lastGiven.set(taker.id, ++this.#givenRuns);
    book.save();
    const given: JobRunId = { name: job.name, dueAt: run.dueAt, attempt: run.attempt };
    logger.debug({ job: job.name, dueAt: run.dueAt, attempt: run.attempt, cluster: taker.id }, 'a run of a job is due');
    taker.request('runJob', given).catch((error: unknown) => {
      // One that is slow may still have it, and one that is gone is dealt with at its end.
      if (error instanceof RequestTimeoutError || error instanceof WorkerExitedError) return;
      if (this.#state === 'stopped' || job.run !== run || run.pid !== pid || run.attempt !== given.attempt) return;
      logger.warn({ err: error, job: job.name, cluster: taker.id }, 'a cluster does not take the run of a job');
      // It is not asked again: it stops, or is not as it has said.
      this.#declared.get(pid)?.jobs.delete(job.name);
      takeBack(run);
      book.save();
      this.#decide();
    });
  }

  /** Ready clusters that have the job: those with the fewest runs first, and then those that have waited longest for one. */
  #takers({ name }: JobState): readonly JobCluster[] {
    const runs = [...this.#options.book.jobs].map(({ run }) => run?.pid);
    const busy = ({ pid }: JobCluster): number => runs.filter((other) => other === pid).length;
    const given = ({ id }: JobCluster): number => this.#lastGiven.get(id) ?? 0;
    return this.#ready()
      .filter((cluster) => this.#declaredBy(cluster)?.jobs.has(name) === true)
      .sort((a, b) => busy(a) - busy(b) || given(a) - given(b) || a.id - b.id);
  }

  #ready(): readonly JobCluster[] {
    return [...this.#options.clusters];
  }

  #declaredBy({ pid }: JobCluster): Declared | undefined {
    return pid === undefined ? undefined : this.#declared.get(pid);
  }
}

/** No process has begun it. */
function takeBack(run: RunState): void {
  run.pid = undefined;
  run.attempt--;
}
