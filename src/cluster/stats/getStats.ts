import { getHeapStatistics } from 'node:v8';
import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import type { LoopLagMeter } from '../../core/time/LoopLagMeter.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { CommandRouter } from '../commands/CommandRouter.js';
import type { RestMeter } from './RestMeter.js';

export interface StatsSources {
  readonly context: Pick<ClusterContext, 'clusterId' | 'client'>;
  readonly commands: Pick<CommandRouter, 'handled' | 'latency'>;
  readonly describeShards: () => ClusterStats['shards'];
  /** Shards whose session another process could resume. */
  readonly countResumable: () => number;
  /** Dispatches that are not run again. */
  readonly countGivenUp: () => number;
  readonly loopLag: Pick<LoopLagMeter, 'read'>;
  readonly rest: Pick<RestMeter, 'read'>;
}

/** Serves `getStats`: what this cluster holds and has done. */
export const getStats =
  ({ context, commands, describeShards, countResumable, countGivenUp, loopLag, rest }: StatsSources) =>
  (): ClusterStats => {
    const shards = describeShards();
    const { user, system } = process.cpuUsage();
    return {
      clusterId: context.clusterId,
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
      heapBytes: getHeapStatistics().used_heap_size,
      cpuSeconds: (user + system) / 1e6,
      loopLag: loopLag.read(),
      guilds: context.client.guilds.size,
      users: context.client.users.size,
      shards,
      resumable: countResumable(),
      events: shards.reduce((sum, { events }) => sum + events, 0),
      commands: commands.handled,
      givenUp: countGivenUp(),
      commandLatencyMs: commands.latency(),
      rest: rest.read(),
    };
  };
