import type { ClusterContract } from '../core/contracts/ClusterContract.js';
import type { DataOf, ReplyOf, RequestName, RequestOptions } from '../core/ipc/contract.js';
import type { ErisClient } from './clients/eris/eris.js';

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
export interface ClusterContext<C = ErisClient> {
  readonly clusterId: number;
  readonly clusterCount: number;
  readonly shardCount: number;
  /** The bot's client library. */
  readonly client: C;
  readonly master: MasterLink;
  readonly ownerIds: ReadonlySet<string>;
  /** How long Discord took to confirm the shard's last heartbeat, in milliseconds; null where it has not yet. */
  latencyMs(shardId: number): number | null;
}
