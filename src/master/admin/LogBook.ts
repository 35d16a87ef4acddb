import type { LogLine } from '../../core/contracts/AdminApi.js';
import { type LogTail, readableLine } from '../../core/log/LogTail.js';
import { BaseService } from '../../core/services/BaseService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';

/** Whose lines: one cluster's, the master's own, or everybody's. */
export type LogSource = number | 'master' | 'all';

type Listener = (line: LogLine) => void;

interface Life {
  readonly cluster: ClusterConnection;
  readonly unfollow: () => void;
}

/** How many processes of a cluster are kept: the present one, and the one before it. */
const KEPT_LIVES = 2;

const LEVELS: Readonly<Record<number, LogLine['level']>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/**
 * The last log lines of the master and of every cluster, and those to come. What a cluster logged before it crashed stays until
 * the process after the next one is spawned: after a crash that is what an operator looks for.
 */
export class LogBook extends BaseService {
  readonly #master: LogTail | undefined;
  #clusters: ClusterPool | undefined;
  readonly #lives = new Map<number, Life[]>();
  readonly #listeners = new Map<Listener, LogSource>();
  #unfollowMaster: (() => void) | undefined;

  /** @param master undefined: the master's own lines are left out. */
  public constructor(master: LogTail | undefined) {
    super();
    this.#master = master;
  }

  public start(): void {
    this.#unfollowMaster ??= this.#master?.follow((line) => this.#pass(null, line));
  }

  /** Call it before the first cluster is spawned. */
  public watch(clusters: ClusterPool): void {
    this.#clusters = clusters;
    for (const cluster of clusters.alive) this.#add(cluster);
    clusters.on('spawningworker', this.#add);
  }

  public stop(): void {
    this.#unfollowMaster?.();
    this.#unfollowMaster = undefined;
    this.#clusters?.off('spawningworker', this.#add);
    for (const lives of this.#lives.values()) for (const { unfollow } of lives) unfollow();
    this.#lives.clear();
    this.#listeners.clear();
  }

  /** @returns the last `count` lines, oldest first. */
  public lines(source: LogSource, count: number): readonly LogLine[] {
    const lines: [clusterId: number | null, text: string, time: number][] = [];
    const add = (clusterId: number | null, tail: Pick<LogTail, 'records'> | undefined): void => {
      for (const text of tail?.records(count) ?? []) lines.push([clusterId, text, timeOf(text)]);
    };
    if (source === 'all' || source === 'master') add(null, this.#master);
    for (const [clusterId, lives] of this.#lives) {
      if (source === 'all' || source === clusterId) for (const { cluster } of lives) add(clusterId, cluster.logTail);
    }
    // Stable: lines of one process keep their order where the clock stood still or went back.
    return lines
      .sort((left, right) => left[2] - right[2])
      .slice(-count)
      .map(([clusterId, text]) => toLogLine(clusterId, text));
  }

  /** Calls the listener with every line from now on. @returns a function that ends it. */
  public follow(source: LogSource, listener: Listener): () => void {
    this.#listeners.set(listener, source);
    return () => void this.#listeners.delete(listener);
  }

  readonly #add = (cluster: ClusterConnection): void => {
    const lives = this.#lives.get(cluster.id) ?? [];
    this.#lives.set(cluster.id, lives);
    lives.push({ cluster, unfollow: cluster.logTail.follow((line) => this.#pass(cluster.id, line)) });
    while (lives.length > KEPT_LIVES) lives.shift()?.unfollow();
  };

  #pass(clusterId: number | null, text: string): void {
    if (this.#listeners.size === 0) return;
    const source = clusterId ?? 'master';
    let line: LogLine | undefined;
    for (const [listener, wanted] of this.#listeners) {
      if (wanted !== 'all' && wanted !== source) continue;
      // Made readable only if somebody looks, and once for all who do.
      line ??= toLogLine(clusterId, text);
      listener(line);
    }
  }
}

function toLogLine(clusterId: number | null, text: string): LogLine {
  const level = Number(/^\{"level":(\d+)/.exec(text)?.[1] ?? 30);
  return { clusterId, time: timeOf(text), level: LEVELS[level] ?? 'info', text: readableLine(text) };
}

/** Pino writes level and time first, and so do our forwarders. */
function timeOf(text: string): number {
  return Number(/^\{"level":\d+,"time":(\d+)/.exec(text)?.[1] ?? 0);
}
