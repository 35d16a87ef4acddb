import type { ClusterContract } from '../../core/contracts/ClusterContract.js';
import type { DataOf } from '../../core/ipc/contract.js';
import { BaseService } from '../../core/services/BaseService.js';
import { WorkerPoolEventService } from '../../core/services/WorkerPoolEventService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';

type ToMaster = ClusterContract['toMaster'];

/** Serves one message of a cluster. What it returns is the reply, what it throws the error that the cluster gets. */
export type ClusterEventHandler<Name extends keyof ToMaster & string> = (
  cluster: ClusterConnection,
  data: DataOf<ToMaster, Name>,
  signal: AbortSignal,
) => Answer<ToMaster[Name]> | Promise<Answer<ToMaster[Name]>>;

type Answer<Message> = Message extends { readonly reply: infer Reply } ? Reply : undefined;

/** By message, what serves it. */
export type ClusterEventTable = {
  readonly [Name in keyof ToMaster & string]?: ClusterEventHandler<Name>;
};

/** Serves the messages of a table for every cluster, those that run already and those to come. */
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

/** The types of data and reply were compared where the table was written; here they are those of any message. */
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
