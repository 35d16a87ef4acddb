import { KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { messageOf } from '../../core/text/messageOf.js';
import { type Clock, systemClock } from '../../core/time/clock.js';

export interface RollingRestartOptions {
  /**
   * Puts a new process in a cluster's place, and resolves when that is ready. A rejection means that the old one serves on,
   * or that others see to it; either way the roll ends here. `signal` fires when the roll is to stop: give up what has not
   * begun to move yet. `details` go into the report, for example how long each shard paused.
   */
  readonly replace: (clusterId: number, signal: AbortSignal) => Promise<{ readonly details?: string } | undefined>;
  /** Resolves when the new process has proved itself; rejects when it has not in the time it is given. */
  readonly healthy: (clusterId: number, signal: AbortSignal) => Promise<void>;
  readonly logger: Logger;
  readonly clock?: Clock;
}

export interface RestartPlan {
  /** In this order; repetitions are ignored. */
  readonly clusterIds: readonly number[];
  /** Stops the roll before the next cluster. */
  readonly signal?: AbortSignal;
  /** Hears of every change, the first and the last state included. What it throws is logged. */
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
 * Replaces clusters one after the other: the next only after the last is ready and healthy. The first failure ends the
 * roll, and the clusters that are left stay as they are: what broke one would break them all.
 *
 * One roll at a time. It decides the order and nothing else; how a cluster is replaced, and what is healthy, it is told.
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
   * Begins, and returns at once. `done` resolves with the end, failed or not; it never rejects.
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
      this.#tell(plan, progress);
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
    // Before the last report: whoever hears of the end may start the next.
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

  #tell(plan: RestartPlan, progress: RestartProgress): void {
    try {
      plan.onProgress?.(progress);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'the progress of a restart could not be told');
    }
  }
}
