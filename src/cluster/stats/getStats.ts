import { getHeapStatistics } from 'node:v8';
import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import type { LoopLagMeter } from '../../core/time/LoopLagMeter.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import type { CommandRouter } from '../commands/CommandRouter.js';
import type { RestMeter } from './RestMeter.js';

export interface StatsSources {
  readonly clusterId: number;
  readonly client: Pick<ClientAdapter, 'counts'>;
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
  ({ clusterId, client, commands, describeShards, countResumable, countGivenUp, loopLag, rest }: StatsSources) =>
  (): ClusterStats => {
    const shards = describeShards();
    const { user, system } = process.cpuUsage();
    return {
      clusterId,
      pid: process.pid,
      uptimeMs: Math.round(process.uptime() * 1000),
      rssBytes: process.memoryUsage.rss(),
      heapBytes: getHeapStatistics().used_heap_size,
      cpuSeconds: (user + system) / 1e6,
      loopLag: loopLag.read(),
      guilds: shards.reduce((sum, shard) => sum + shard.guilds, 0),
      users: client.counts().users,
      shards,
      resumable: countResumable(),
      events: shards.reduce((sum, { events }) => sum + events, 0),
      commands: commands.handled,
      givenUp: countGivenUp(),
      commandLatencyMs: commands.latency(),
      rest: rest.read(),
    };
  };
