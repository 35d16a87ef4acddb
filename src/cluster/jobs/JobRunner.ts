import type { JobDeclaration, JobRunEnd, JobRunId } from '../../core/contracts/ClusterContract.js';
import { ConfigError, KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import type { ClusterContext } from '../ClusterContext.js';
import { Dispatch, type DispatchHost } from '../dispatch/Dispatch.js';
import { inRun, Run } from '../dispatch/Run.js';
import type { Job } from './Job.js';

export interface JobRunnerOptions<C> {
  readonly jobs: readonly Job<C>[];
  readonly logger: () => Logger;
  /** A run has begun to go on, or has ended; see `DispatchRunner.changed`. */
  readonly onOpen: (run: Dispatch) => void;
  /** Tells the master how a run ended. Resolves when the master has written it down, rejects where there is none. */
  readonly report: (end: JobRunEnd) => Promise<unknown>;
}

interface RunUnderWay {
  readonly id: JobRunId;
  readonly stopping: AbortController;
}

/**
 * Runs the jobs that the master gives to this cluster, and says how each run ended. What the master has not confirmed is said
 * again to the next master, see {@link declaration}. When a run is due, and who gets it, is the master's business.
 */
export class JobRunner<C = unknown> {
  readonly #options: JobRunnerOptions<C>;
  readonly #jobs: ReadonlyMap<string, Job<C>>;
  readonly #running = new Map<string, RunUnderWay>();
  readonly #unconfirmed = new Set<JobRunEnd>();
  #isStopping = false;

  /** @throws ConfigError where two jobs have the same name. */
  public constructor(options: JobRunnerOptions<C>) {
    this.#options = options;
    this.#jobs = new Map(options.jobs.map((job) => [job.definition.name, job]));
    const names = options.jobs.map(({ definition }) => definition.name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new ConfigError(`Job '${twice}' is defined twice; allowed: one job of each name`);
  }

  /** What a master must know that does not know this process yet. Undefined where this bot has no jobs. */
  public declaration(): JobDeclaration | undefined {
    if (this.#jobs.size === 0) return undefined;
    return {
      ageMs: performance.now(),
      jobs: [...this.#jobs.values()].map(({ definition }) => definition),
      running: [...this.#running.values()].map(({ id }) => id),
      ended: [...this.#unconfirmed],
    };
  }

  /** A master has written down what this declaration says. */
  public confirmed({ ended }: JobDeclaration): void {
    for (const end of ended) this.#unconfirmed.delete(end);
  }

  /**
   * Begins a run.
   *
   * @throws KallistiError JOB_REFUSED where this cluster cannot take it.
   */
  public run(given: JobRunId, context: ClusterContext<C>): void {
    const { name, attempt } = given;
    const job = this.#jobs.get(name);
    if (job === undefined) throw new KallistiError('JOB_REFUSED', `there is no job '${name}' here`);
    if (this.#isStopping) throw new KallistiError('JOB_REFUSED', 'this cluster stops');
    if (this.#running.has(name)) throw new KallistiError('JOB_REFUSED', `a run of job '${name}' goes on here already`);
    const stopping = new AbortController();
    const underWay: RunUnderWay = { id: given, stopping };
    this.#running.set(name, underWay);
    this.#options.logger().debug({ job: name, dueAt: given.dueAt, attempt }, 'a run of a job begins');
    let failure: { readonly error: unknown } | undefined;
    const dispatch = this.#dispatchOf(given, () =>
      this.#end(underWay, failure === undefined ? 'done' : 'failed', failure),
    );
    const work = inRun(new Run(dispatch, 0), async () => {
      try {
        await job.run(context, { dueAt: given.dueAt, attempt, signal: stopping.signal });
      } catch (error) {
        failure = { error };
      }
    });
    dispatch.hold(work);
  }

  /** Takes no more runs. Those that go on may end. */
  public refuse(): void {
    this.#isStopping = true;
  }

  /** This process ends now. Tells what goes on that it is over, and the master that another cluster may do it. */
  public interrupt(): void {
    this.refuse();
    for (const underWay of [...this.#running.values()]) {
      this.#end(underWay, 'interrupted');
      underWay.stopping.abort(new KallistiError('REQUEST_ABORTED', 'the cluster stops'));
    }
  }

  #end(underWay: RunUnderWay, outcome: JobRunEnd['outcome'], failure?: { readonly error: unknown }): void {
    const { name, dueAt, attempt } = underWay.id;
    const logger = this.#options.logger();
    // It was interrupted: what becomes of it here matters to nobody any more.
    if (this.#running.get(name) !== underWay) return;
    this.#running.delete(name);
    const facts = { job: name, dueAt, attempt };
    if (outcome === 'failed') logger.error({ ...facts, err: failure?.error }, `job '${name}' threw`);
    else logger.debug({ ...facts, outcome }, 'a run of a job ended');
    const end: JobRunEnd = { ...underWay.id, outcome };
    this.#unconfirmed.add(end);
    this.#options.report(end).then(
      () => this.#unconfirmed.delete(end),
      // The next master gets it with the declaration.
      (error: unknown) => logger.debug({ ...facts, err: error }, 'the master could not be told the end of a run'),
    );
  }

  /**
   * A run is to what it sends, and to whoever waits for the work of this process, what a dispatch is. It comes of no shard, so it
   * leaves no mark and no row in a store: the master remembers it.
   */
  #dispatchOf({ name, dueAt, attempt }: JobRunId, onEnded: () => void): Dispatch {
    const host: DispatchHost = {
      mark: { enter: () => undefined, leave: () => undefined },
      steadyNow: () => 0,
      dispatchChanged: (dispatch) => {
        this.#options.onOpen(dispatch);
        // What was given to `hold()` belongs to the run.
        if (!dispatch.isOpen) onEnded();
      },
    };
    const facts = {
      shardId: -1,
      session: name,
      seq: dueAt,
      type: `job ${name}`,
      id: '',
      text: '{}',
      attempt,
      // The master counts them.
      deaths: 0,
      at: dueAt,
    };
    return new Dispatch(host, facts);
  }
}
