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
  /**
   * For work that a listener or a command has begun and does not return: the dispatch counts as unfinished until the promise has
   * settled. A handover and a stop wait for it, and where the process dies before that, the next one runs the dispatch again.
   * Called elsewhere it does nothing.
   *
   * @returns the promise.
   */
  hold<T>(work: PromiseLike<T>): PromiseLike<T>;
  /**
   * How often the dispatch has been run that the caller works on, this time included: 2 after a crash. Outside of listeners and
   * commands 1.
   */
  readonly attempt: number;
  /**
   * Calls `start` whenever the shards become this process's: in every handover two processes run side by side, and timers that
   * act are to run in one of them.
   *
   * @param start called at once where the shards are this process's. Its signal fires when they are not any more: clear the
   * timers then.
   */
  whileOwned(start: (signal: AbortSignal) => void): void;
}
