import { KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { messageOf } from '../../core/text/messageOf.js';
import { type Clock, systemClock } from '../../core/time/clock.js';

export interface RollingRestartOptions {
  /**
   * Puts a new process in a cluster's place, and resolves when that is ready. A rejection ends the roll: the old process serves
   * on, or the supervisor brings the cluster back. `signal` fires when the roll is to stop. `details` go into the report, for
   * example how long each shard paused.
   */
  readonly replace: (clusterId: number, signal: AbortSignal) => Promise<{ readonly details?: string } | undefined>;
  /** Resolves when the new process has proved itself, and rejects where it has not. */
  readonly healthy: (clusterId: number, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface RestartPlan {
  /** In this order; repetitions are ignored. */
  readonly clusterIds: readonly number[];
  /** Stops the roll before the next cluster. */
  readonly signal?: AbortSignal;
  /** Called with every change, the first and the last state included. What it throws is logged. */
  readonly onProgress?: (progress: RestartProgress) => void;
}

export type ClusterRestart = { readonly clusterId: number } & (
  | { readonly state: 'waiting' | 'replacing' | 'checking' }
  | { readonly state: 'replaced'; readonly durationMs: number; readonly details?: string }
  | { readonly state: 'failed'; readonly durationMs: number; readonly reason: string }
  | { readonly state: 'skipped'; readonly reason: string }
);

export interface RestartProgress {
  /** `stopped`: by the plan's signal. */
  readonly outcome: 'rolling' | 'done' | 'failed' | 'stopped';
  readonly durationMs: number;
  readonly clusters: readonly ClusterRestart[];
}

/**
 * Replaces clusters one after the other, each only when the one before it is ready and healthy. The first failure ends the roll,
 * and the clusters that are left stay as they are: what broke one would break them all.
 *
 * There is one roll at a time. This class decides the order and nothing else. Its options say how a cluster is replaced, and when
 * it is healthy.
 */
export class RollingRestart {
  readonly #options: RollingRestartOptions;
  readonly #clock: Clock;
  #rolling = false;

  public constructor(options: RollingRestartOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  public get isRolling(): boolean {
    return this.#rolling;
  }

  /**
   * Begins a roll, and returns at once. `done` resolves when it has ended, failed or not. It never rejects.
   *
   * @throws KallistiError RESTART_IN_PROGRESS while another one rolls.
   */
  public start(plan: RestartPlan): { readonly done: Promise<RestartProgress> } {
    if (this.#rolling) {
      throw new KallistiError('RESTART_IN_PROGRESS', 'a restart is already under way; wait until it has ended');
    }
    this.#rolling = true;
    return {
      done: this.#roll(plan, new Map([...plan.clusterIds].map((id) => [id, { clusterId: id, state: 'waiting' }]))),
    };
  }

  async #roll(plan: RestartPlan, clusters: Map<number, ClusterRestart>): Promise<RestartProgress> {
    const startedAt = this.#clock.now();
    const signal = plan.signal ?? new AbortController().signal;
    const report = (outcome: RestartProgress['outcome']): RestartProgress => {
      const progress = { outcome, durationMs: this.#clock.now() - startedAt, clusters: [...clusters.values()] };
      this.#report(plan, progress);
      return progress;
    };
    const set = (cluster: ClusterRestart): void => {
      clusters.set(cluster.clusterId, cluster);
      report('rolling');
    };

    report('rolling');
    let ended: { readonly outcome: 'failed' | 'stopped'; readonly reason: string } | undefined;
    for (const clusterId of clusters.keys()) {
      if (signal.aborted) ended ??= { outcome: 'stopped', reason: `stopped: ${messageOf(signal.reason)}` };
      if (ended !== undefined) {
        clusters.set(clusterId, { clusterId, state: 'skipped', reason: ended.reason });
        continue;
      }
      const result = await this.#restart(clusterId, signal, set);
      if (result.state === 'failed') {
        const outcome = signal.aborted ? 'stopped' : 'failed';
        ended = { outcome, reason: `cluster ${clusterId} failed` };
      }
      clusters.set(clusterId, result);
      report('rolling');
    }
    // Before the last report, because whoever hears of the end may start the next roll.
    this.#rolling = false;
    return report(ended?.outcome ?? 'done');
  }

  async #restart(
    clusterId: number,
    signal: AbortSignal,
    set: (cluster: ClusterRestart) => void,
  ): Promise<ClusterRestart> {
    const startedAt = this.#clock.now();
    try {
      set({ clusterId, state: 'replacing' });
      const replaced = await this.#options.replace(clusterId, signal);
      set({ clusterId, state: 'checking' });
      await this.#options.healthy(clusterId, signal);
      const durationMs = this.#clock.now() - startedAt;
      const details = replaced?.details;
      return { clusterId, state: 'replaced', durationMs, ...(details === undefined ? {} : { details }) };
    } catch (error) {
      this.#options.logger.error(
        { err: error, clusterId },
        `the restart of cluster ${clusterId} failed; the roll ends here`,
      );
      return { clusterId, state: 'failed', durationMs: this.#clock.now() - startedAt, reason: messageOf(error) };
    }
  }

  #report(plan: RestartPlan, progress: RestartProgress): void {
    try {
      plan.onProgress?.(progress);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'whoever listens to the progress of a restart threw');
    }
  }
}
