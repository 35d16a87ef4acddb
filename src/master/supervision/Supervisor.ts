import type { EventEmitter } from 'node:events';
import type { RestartCause } from '../../core/contracts/AdminApi.js';
import {
  DiscordRefusedError,
  describeExit,
  type ExitReason,
  RemoteError,
  WorkerStartError,
} from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import { BaseService } from '../../core/services/BaseService.js';
import { Backoff } from '../../core/time/backoff.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import type { WorkerPoolEvents } from '../../core/worker/WorkerPool.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import { RestartHistory } from './RestartHistory.js';

/** What the supervisor needs of one life of a cluster. */
export type SupervisedCluster = Pick<
  ClusterConnection,
  'id' | 'pid' | 'description' | 'state' | 'shardIds' | 'shards' | 'logLines' | 'onlyResumed' | 'terminate'
>;

/** What the supervisor needs of the pool. */
export interface SupervisedClusters
  extends Iterable<SupervisedCluster>,
    Pick<EventEmitter<WorkerPoolEvents<SupervisedCluster>>, 'on' | 'off'> {
  readonly workerCount: number;
  readonly alive: readonly SupervisedCluster[];
  tryGet(clusterId: number): SupervisedCluster | undefined;
  shardIdsOf(clusterId: number): readonly number[];
  spawn(clusterId: number): Promise<unknown>;
}

export interface SupervisorOptions {
  readonly clusters: SupervisedClusters;
  readonly logger: Logger;
  /** Called once, when Discord refuses the bot for good: no restart can help, and each would cost IDENTIFYs. */
  readonly onRefused: (error: DiscordRefusedError) => void;
  /** Finds out where a process hangs, just before the supervisor kills it. It must not take long. */
  readonly sampleStack: (cluster: SupervisedCluster) => Promise<string | undefined>;
  readonly clock?: Clock;
}

/**
 * How a cluster stands. `backingOff`: it crashed, and pauses before the next attempt. `failed`: it crashed again and again, and
 * is tried only every few minutes.
 */
export type ClusterState = 'starting' | 'ready' | 'draining' | 'backingOff' | 'failed' | 'stopped';

interface Supervised {
  readonly backoff: Backoff;
  /** Pauses after lives that served and only resumed. */
  readonly freeBackoff: Backoff;
  readonly history: RestartHistory;
  timer: Timer | undefined;
  /** When the timer fires, in milliseconds since 1970. */
  retryAt: number | undefined;
  isFailed: boolean;
  /** When its present process got ready, on the clock's `now()`. Undefined before. */
  readyAt: number | undefined;
  /** Why the supervisor itself killed the process. Undefined once its exit is known. */
  killedFor: RestartCause | undefined;
}

/** How often a cluster whose circuit is open is tried, in milliseconds. */
const FAILED_RETRY_MS = 3 * 60_000;
/**
 * A process that served for this long before it died is no part of a crash loop, in milliseconds. Its start did not kill it, so
 * its successor begins at once.
 */
const SOUND_LIFE_MS = 5_000;
/** The longest pause after a life that served and only resumed, in milliseconds. With its start it is back within four seconds. */
const MAX_FREE_PAUSE_MS = 2_000;
/** The least time from one handover for want of memory to the next of the same cluster, in milliseconds. */
const MEMORY_RESTART_GAP_MS = 5 * 60_000;
/** The same for a deaf shard. What one new process has not cured, another hardly will. */
const DEAF_RESTART_GAP_MS = 10 * 60_000;

/**
 * Decides when a cluster is killed and when it is spawned again. Nobody else does: monitors only report to it.
 *
 * A cluster that crashed, hung, or did not get ready comes back after a pause. The pause grows from failure to failure. There is
 * none the first time, nor after the cluster has served for five seconds. Five failures in five minutes open its circuit: it is
 * `failed`, the log says so at level fatal, and it is tried every three minutes. The other clusters are not touched.
 *
 * A process that got ready and only resumed cost Discord nothing, and served until it died. Its death does not count towards the
 * circuit, and its successor begins within two seconds, for ever. The circuit is for processes that fail before they serve, or
 * spend IDENTIFYs.
 */
export class Supervisor extends BaseService {
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #supervised = new Map<number, Supervised>();
  #started = false;
  #refused = false;

  public constructor(options: SupervisorOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  public stateOf(clusterId: number): ClusterState {
    const supervised = this.#supervised.get(clusterId);
    if (this.#options.clusters.tryGet(clusterId) !== undefined) return 'ready';
    const alive = this.#options.clusters.alive.filter(({ id }) => id === clusterId);
    if (supervised?.isFailed === true && alive.length === 0) return 'failed';
    if (supervised?.timer !== undefined) return 'backingOff';
    if (alive.some(({ state }) => state === 'starting' || state === 'idle')) return 'starting';
    return alive.length > 0 ? 'draining' : 'stopped';
  }

  /** When a cluster that is backing off is spawned again, in milliseconds since 1970. Undefined for any other. */
  public retryAtOf(clusterId: number): number | undefined {
    return this.#supervised.get(clusterId)?.retryAt;
  }

  /** The restarts of a cluster. Undefined where it has never been ready, nor failed. */
  public historyOf(clusterId: number): Pick<RestartHistory, 'entries' | 'counts'> | undefined {
    return this.#supervised.get(clusterId)?.history;
  }

  /** Spawns the clusters that do not run. They get ready in their own time. */
  public start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#options.clusters.on('workerexited', this.#onExit);
    this.#options.clusters.on('spawnedworker', this.#onReady);
    for (let id = 0; id < this.#options.clusters.workerCount; id++) {
      if (this.#options.clusters.tryGet(id) === undefined) void this.#spawn(id);
    }
  }

  /** Spawns nothing any more. The pool stops the clusters that are starting. */
  public stop(): void {
    this.#started = false;
    this.#options.clusters.off('workerexited', this.#onExit);
    this.#options.clusters.off('spawnedworker', this.#onReady);
    for (const supervised of this.#supervised.values()) {
      supervised.timer?.cancel();
      supervised.timer = undefined;
      supervised.retryAt = undefined;
    }
  }

  /** Discord refuses the bot for good. Every call but the first does nothing. */
  public refuse(error: DiscordRefusedError): void {
    if (this.#refused) return;
    this.#refused = true;
    this.stop();
    this.#options.onRefused(error);
  }

  /** A cluster's event loop has not turned for too long. The process would ignore SIGTERM, so it is killed. */
  public reportHung(cluster: SupervisedCluster, silentMs: number): void {
    if (!this.#started || cluster.state === 'ended') return;
    const message = `${cluster.description} hangs: its event loop has not turned for ${Math.round(silentMs)} ms, killing it`;
    this.#options.logger.error({ cluster: cluster.id, workerPid: cluster.pid }, message);
    void this.#killHung(cluster);
  }

  /** A cluster's heap is nearly full. It hands over to a new process before it dies of that. */
  public reportMemory(cluster: SupervisedCluster, detail: string): void {
    if (!this.#started || cluster.state !== 'ready') return;
    const { history } = this.#of(cluster.id);
    const last = history.entries.findLast(({ cause }) => cause === 'memory');
    if (last !== undefined && this.#clock.wallNow() - last.at < MEMORY_RESTART_GAP_MS) return;
    history.note('memory', detail);
    this.#options.logger.warn(
      { cluster: cluster.id },
      `cluster ${cluster.id} hands over before it runs out of memory: ${detail}`,
    );
    void this.#spawn(cluster.id);
  }

  /**
   * A shard hears nothing, and a reconnect has not helped. Its cluster hands over to a new process, which resumes its shards.
   * Where no other cluster hears all of its shards, nothing is replaced: Discord itself is silent, and a new process would hear
   * nothing either.
   */
  public reportDeaf(cluster: SupervisedCluster, detail: string): void {
    const { clusters, logger } = this.#options;
    if (!this.#started || cluster.state !== 'ready' || clusters.tryGet(cluster.id) !== cluster) return;
    const { history } = this.#of(cluster.id);
    const facts = { cluster: cluster.id, workerPid: cluster.pid };
    const last = history.entries.findLast(({ cause }) => cause === 'deaf');
    if (last !== undefined && this.#clock.wallNow() - last.at < DEAF_RESTART_GAP_MS) {
      logger.warn(facts, `cluster ${cluster.id} was replaced for a deaf shard a short time ago, and stays: ${detail}`);
      return;
    }
    const others = [...clusters].filter((other) => other !== cluster);
    if (others.length > 0 && !others.some(hearsAll)) {
      logger.warn(facts, `no cluster hears all of its shards, so none is replaced for a deaf one: ${detail}`);
      return;
    }
    history.note('deaf', detail);
    logger.error(facts, `cluster ${cluster.id} hands over, because it has a deaf shard: ${detail}`);
    void this.#spawn(cluster.id);
  }

  /** A cluster was replaced because somebody asked for it. */
  public notePlanned(clusterId: number): void {
    this.#of(clusterId).history.note('operator', 'restart');
  }

  async #killHung(cluster: SupervisedCluster): Promise<void> {
    const stack = await this.#options.sampleStack(cluster).catch((error: unknown) => {
      this.#options.logger.warn(
        { err: error, cluster: cluster.id },
        'the supervisor could not find out where the event loop is blocked',
      );
      return undefined;
    });
    if (stack !== undefined) {
      this.#options.logger.error({ cluster: cluster.id }, `where the event loop is blocked:\n${stack}`);
    }
    if (cluster.state === 'ended') return;
    this.#of(cluster.id).killedFor = 'hung';
    await cluster.terminate();
  }

  #of(clusterId: number): Supervised {
    let supervised = this.#supervised.get(clusterId);
    if (supervised === undefined) {
      supervised = {
        backoff: new Backoff(),
        freeBackoff: new Backoff({ maxDelayMs: MAX_FREE_PAUSE_MS }),
        history: new RestartHistory(this.#clock),
        timer: undefined,
        retryAt: undefined,
        isFailed: false,
        readyAt: undefined,
        killedFor: undefined,
      };
      this.#supervised.set(clusterId, supervised);
    }
    return supervised;
  }

  readonly #onExit = (cluster: SupervisedCluster, exit: ExitReason): void => {
    const supervised = this.#of(cluster.id);
    const cause = supervised.killedFor ?? 'crash';
    supervised.killedFor = undefined;
    const detail = ranOutOfMemory(cluster, exit) ? 'ran out of memory' : describeExit(exit);
    const servedMs = supervised.readyAt === undefined ? 0 : this.#clock.now() - supervised.readyAt;
    supervised.readyAt = undefined;
    if (servedMs >= SOUND_LIFE_MS) {
      supervised.backoff.reset();
      supervised.freeBackoff.reset();
      supervised.history.forgive();
    }
    supervised.history.note(cause, detail, !cluster.onlyResumed);
    this.#options.logger.error(
      { cluster: cluster.id, workerPid: cluster.pid, cause },
      `cluster ${cluster.id} ${detail}`,
    );
    if (cluster.onlyResumed) this.#spawnAfter(cluster.id, supervised.freeBackoff.nextDelayMs());
    else this.#spawnAfterFailure(cluster.id);
  };

  readonly #onReady = ({ id }: SupervisedCluster): void => {
    const supervised = this.#of(id);
    supervised.readyAt = this.#clock.now();
    if (supervised.isFailed) {
      supervised.isFailed = false;
      supervised.history.forgive();
      this.#options.logger.info({ cluster: id }, `cluster ${id} has recovered`);
    }
  };

  async #spawn(id: number): Promise<void> {
    if (!this.#started) return;
    try {
      await this.#options.clusters.spawn(id);
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
    // Its predecessor still serves: this was a replacement, and nothing has to be brought back.
    if (this.#options.clusters.tryGet(id) !== undefined) return;
    this.#of(id).history.note('failedStart', error instanceof Error ? error.message : String(error));
    this.#spawnAfterFailure(id);
  }

  /** After a failure that counts: the pause grows, and at last the circuit opens. */
  #spawnAfterFailure(id: number): void {
    const supervised = this.#of(id);
    if (supervised.history.isLooping && !supervised.isFailed) {
      supervised.isFailed = true;
      this.#options.logger.fatal(
        { cluster: id, shards: this.#options.clusters.shardIdsOf(id) },
        `cluster ${id} FAILED: it has crashed again and again, and is tried every ${FAILED_RETRY_MS / 60_000} minutes now`,
      );
    }
    this.#spawnAfter(id, supervised.isFailed ? FAILED_RETRY_MS : supervised.backoff.nextDelayMs());
  }

  #spawnAfter(id: number, delayMs: number): void {
    if (!this.#started) return;
    const supervised = this.#of(id);
    if (delayMs > 0) {
      this.#options.logger.warn(
        { cluster: id, delayMs },
        `cluster ${id} is started again in ${Math.round(delayMs)} ms`,
      );
    }
    supervised.timer?.cancel();
    supervised.retryAt = this.#clock.wallNow() + delayMs;
    supervised.timer = this.#clock.setTimeout(() => {
      supervised.timer = undefined;
      supervised.retryAt = undefined;
      void this.#spawn(id);
    }, delayMs);
  }
}

/** A shard that Discord refuses (`failed`) says nothing about what the others hear. */
function hearsAll({ shardIds, shards }: SupervisedCluster): boolean {
  const states = shardIds.map((shardId) => shards.get(shardId)?.state);
  return states.includes('ready') && states.every((state) => state === 'ready' || state === 'failed');
}

/** Whether V8 aborted the process because its heap was full: it says so on stderr. */
export function ranOutOfMemory(
  { logLines }: Pick<SupervisedCluster, 'logLines'>,
  { code, signal }: ExitReason,
): boolean {
  if (signal !== 'SIGABRT' && code !== 134 && signal !== null) return false;
  return logLines.slice(-100).some((line) => /JavaScript heap out of memory|Allocation failed/.test(line));
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
