import type { Client } from 'eris';
import type { ClusterContract } from '../core/contracts/ClusterContract.js';
import type { DataOf, ReplyOf, RequestName, RequestOptions } from '../core/ipc/contract.js';

type ToMaster = ClusterContract['toMaster'];

/** The way to the master, as commands and handlers see it. */
export interface MasterLink {
  request<Name extends RequestName<ToMaster>>(
    name: Name,
    data: DataOf<ToMaster, Name>,
    options?: RequestOptions,
  ): Promise<ReplyOf<ToMaster, Name>>;
}

/** What a command or a message handler of a cluster may know and use. */
export interface ClusterContext {
  readonly clusterId: number;
  readonly clusterCount: number;
  readonly shardCount: number;
  readonly client: Client;
  readonly master: MasterLink;
  readonly ownerIds: ReadonlySet<string>;
  /** How long Discord took to confirm the shard's last heartbeat, in milliseconds; null where it has not yet. */
  latencyMs(shardId: number): number | null;
}
