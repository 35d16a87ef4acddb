import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { CommandRouter } from '../commands/CommandRouter.js';

export interface StatsSources {
  readonly context: Pick<ClusterContext, 'clusterId' | 'client' | 'shardStatuses'>;
  readonly commands: Pick<CommandRouter, 'handled' | 'latency'>;
  /** Dispatches handled since the process started. */
  readonly countEvents: () => number;
  /** Shards whose session another process could resume. */
  readonly countResumable: () => number;
}

/** Serves `getStats`: what this cluster holds and has done. */
export const getStats =
  ({ context, commands, countEvents, countResumable }: StatsSources) =>
  (): ClusterStats => ({
    clusterId: context.clusterId,
    pid: process.pid,
    uptimeMs: Math.round(process.uptime() * 1000),
    rssBytes: process.memoryUsage.rss(),
    guilds: context.client.guilds.size,
    users: context.client.users.size,
    shards: context.shardStatuses(),
    resumable: countResumable(),
    events: countEvents(),
    commands: commands.handled,
    commandLatencyMs: commands.latency(),
  });
