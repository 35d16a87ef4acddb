import type { ClusterContract } from '../../core/contracts/ClusterContract.js';
import type { DataOf } from '../../core/ipc/contract.js';
import { BaseService } from '../../core/services/BaseService.js';
import { WorkerPoolEventService } from '../../core/services/WorkerPoolEventService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';

type ToMaster = ClusterContract['toMaster'];

/** Serves one message of a cluster. The cluster gets what it returns as the reply, and what it throws as the error. */
export type ClusterEventHandler<Name extends keyof ToMaster & string> = (
  cluster: ClusterConnection,
  data: DataOf<ToMaster, Name>,
  signal: AbortSignal,
) => Answer<ToMaster[Name]> | Promise<Answer<ToMaster[Name]>>;

type Answer<Message> = Message extends { readonly reply: infer Reply } ? Reply : undefined;

/** The handler of each message. */
export type ClusterEventTable = {
  readonly [Name in keyof ToMaster & string]?: ClusterEventHandler<Name>;
};

/** Serves the messages of a table for every cluster, those that run and those to come. */
export class ClusterEvents extends BaseService {
  readonly #services: readonly BaseService[];

  public constructor(clusters: ClusterPool, table: ClusterEventTable) {
    super();
    this.#services = (Object.keys(table) as (keyof ToMaster)[]).flatMap((name) => {
      const handler = table[name];
      return handler === undefined ? [] : [new ClusterEvent(clusters, name, handler as ClusterEventHandler<never>)];
    });
  }

  public start(): void {
    for (const service of this.#services) void service.start();
  }

  public stop(): void {
    for (const service of this.#services) void service.stop();
  }
}

/** The compiler has checked the types of data and reply where the table is written. Here they may be any message's. */
class ClusterEvent extends WorkerPoolEventService<ClusterConnection> {
  public constructor(
    clusters: ClusterPool,
    name: keyof ToMaster,
    private readonly handler: ClusterEventHandler<never>,
  ) {
    super(clusters, name);
  }

  protected override execute(cluster: ClusterConnection, data: unknown, signal: AbortSignal): never {
    return this.handler(cluster, data as never, signal) as never;
  }
}
