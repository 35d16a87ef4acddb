import type { FleetStats } from '../../core/contracts/ClusterContract.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { ClusterPool } from './ClusterPool.js';

/** How long a cluster may take to say how it is, in milliseconds: less than a user waits before an answer is deferred. */
const TIMEOUT_MS = 1_200;

/** Asks every cluster how it is. One that does not answer is in the result with the reason, not left out. */
export class FleetStatsCollector {
  readonly #clusters: ClusterPool;
  readonly #queue: Pick<IdentifyQueue, 'state'>;

  public constructor(clusters: ClusterPool, queue: Pick<IdentifyQueue, 'state'>) {
    this.#clusters = clusters;
    this.#queue = queue;
  }

  public async collect(): Promise<FleetStats> {
    const clusters = this.#clusters;
    const replies = await clusters.requestAll('getStats', undefined, { timeoutMs: TIMEOUT_MS });
    const byId = new Map(replies.map((reply) => [reply.workerId, reply]));
    return {
      shardCount: clusters.shardCount,
      masterPid: process.pid,
      masterRssBytes: process.memoryUsage.rss(),
      masterUptimeMs: Math.round(process.uptime() * 1000),
      identifiesRemaining: this.#queue.state().remaining,
      clusters: Array.from({ length: clusters.workerCount }, (_, clusterId) => {
        const reply = byId.get(clusterId);
        if (reply?.status === 'fulfilled') return reply.value;
        if (reply === undefined) return { clusterId, error: 'is not running' };
        return { clusterId, error: reply.reason instanceof Error ? reply.reason.message : String(reply.reason) };
      }),
    };
  }
}
