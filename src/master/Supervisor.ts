import { Backoff } from '../core/backoff.js';
import { systemClock } from '../core/clock.js';
import { DiscordRefusedError, describeExit, type ExitReason, RemoteError, WorkerStartError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { BaseService } from '../core/services/BaseService.js';
import type { ClusterConnection } from './ClusterConnection.js';
import type { ClusterPool } from './ClusterPool.js';

export interface SupervisorOptions {
  readonly clusters: ClusterPool;
  readonly logger: Logger;
  /** Discord refuses the bot for good: no restart can help, and each would cost IDENTIFYs. Called once. */
  readonly onRefused: (error: DiscordRefusedError) => void;
}

/**
 * The one that decides when a cluster is spawned again. A cluster that crashed, or that did not get ready, comes back after
 * its own growing pause (at once the first time); others are not touched.
 */
export class Supervisor extends BaseService {
  readonly #options: SupervisorOptions;
  readonly #backoffs = new Map<number, Backoff>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #recovering = new Set<number>();
  #started = false;
  #refused = false;

  public constructor(options: SupervisorOptions) {
    super();
    this.#options = options;
  }

  /** Clusters that crashed and are not ready yet. */
  public get recovering(): ReadonlySet<number> {
    return this.#recovering;
  }

  /** Spawns all clusters; they get ready in their own time. */
  public start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#options.clusters.on('workerexited', this.#onExit);
    for (let id = 0; id < this.#options.clusters.workerCount; id++) void this.#spawn(id);
  }

  /** Spawns nothing any more. Workers that are starting are the pool's to stop. */
  public stop(): void {
    this.#started = false;
    this.#options.clusters.off('workerexited', this.#onExit);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Discord has told a running cluster that it refuses the bot. */
  public refuse(error: DiscordRefusedError): void {
    if (this.#refused) return;
    this.#refused = true;
    this.stop();
    this.#options.onRefused(error);
  }

  readonly #onExit = (cluster: ClusterConnection, exit: ExitReason): void => {
    this.#options.logger.error(
      { cluster: cluster.id, workerPid: cluster.pid },
      `cluster ${cluster.id} ${describeExit(exit)}`,
    );
    this.#recovering.add(cluster.id);
    this.#later(cluster.id);
  };

  async #spawn(id: number): Promise<void> {
    if (!this.#started) return;
    try {
      await this.#options.clusters.spawn(id);
      this.#recovering.delete(id);
      this.#backoffs.get(id)?.markHealthy();
    } catch (error) {
      this.#onFailedStart(id, error);
    }
  }

  #onFailedStart(id: number, error: unknown): void {
    if (!this.#started) return;
    const refusal = refusalIn(error);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    this.#options.logger.error({ err: error, cluster: id }, `cluster ${id} did not start`);
    // A failed replacement leaves a cluster that serves: nothing is to be brought back.
    if (this.#options.clusters.tryGet(id) === undefined) this.#later(id);
  }

  #later(id: number): void {
    if (!this.#started) return;
    let backoff = this.#backoffs.get(id);
    if (backoff === undefined) {
      backoff = new Backoff({ clock: systemClock });
      this.#backoffs.set(id, backoff);
    }
    const delayMs = backoff.nextDelayMs();
    if (delayMs > 0)
      this.#options.logger.warn({ cluster: id, delayMs }, `cluster ${id} is started again in ${delayMs} ms`);
    clearTimeout(this.#timers.get(id));
    this.#timers.set(
      id,
      setTimeout(() => {
        this.#timers.delete(id);
        void this.#spawn(id);
      }, delayMs),
    );
  }
}

/** @returns Discord's refusal, where that is why a cluster did not start. */
function refusalIn(error: unknown): DiscordRefusedError | undefined {
  if (
    error instanceof WorkerStartError &&
    error.cause instanceof RemoteError &&
    error.cause.code === 'DISCORD_REFUSED'
  ) {
    return new DiscordRefusedError(error.cause.message);
  }
  return undefined;
}
