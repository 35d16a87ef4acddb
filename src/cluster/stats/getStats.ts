import { getHeapStatistics } from 'node:v8';
import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import type { LoopLagMeter } from '../../core/time/LoopLagMeter.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import type { CommandRouter } from '../commands/CommandRouter.js';
import type { ShardStores } from '../store/ShardStores.js';
import type { RestMeter } from './RestMeter.js';

export interface StatsSources {
  readonly clusterId: number;
  /** When its process became this cluster, on the clock of `performance.now()`. */
  readonly startedAt: number;
  readonly client: Pick<ClientAdapter, 'counts'>;
  readonly commands: Pick<CommandRouter, 'handled' | 'latency'>;
  readonly gateway: { statuses(): ClusterStats['shards'] };
  readonly stores: Pick<ShardStores, 'resumable' | 'givenUp'>;
  readonly loopLag: Pick<LoopLagMeter, 'read'>;
  readonly rest: Pick<RestMeter, 'read'>;
}

/** @returns what serves `getStats`: it says what this cluster holds and has done. */
export const getStats =
  ({ clusterId, startedAt, client, commands, gateway, stores, loopLag, rest }: StatsSources) =>
  (): ClusterStats => {
    const shards = gateway.statuses();
    const { user, system } = process.cpuUsage();
    return {
      clusterId,
      pid: process.pid,
      uptimeMs: Math.round(performance.now() - startedAt),
      rssBytes: process.memoryUsage.rss(),
      heapBytes: getHeapStatistics().used_heap_size,
      cpuSeconds: (user + system) / 1e6,
      loopLag: loopLag.read(),
      guilds: shards.reduce((sum, shard) => sum + shard.guilds, 0),
      users: client.counts().users,
      shards,
      resumable: stores.resumable,
      events: shards.reduce((sum, { events }) => sum + events, 0),
      commands: commands.handled,
      givenUp: stores.givenUp,
      commandLatencyMs: commands.latency(),
      rest: rest.read(),
    };
  };
