import { EventEmitter } from 'node:events';
import { type Logger, LogTail, WorkerNotFoundError } from 'kallisti';
import {
  type AdminFleet,
  type ClusterStats,
  type EvalResult,
  type FleetCommands,
  type FleetCommandsOptions,
  shardIdOfGuild,
} from 'kallisti/master';

type Answer = (data: never) => unknown;

/** A cluster without a process. It answers from memory, in a later turn of the event loop. */
export class FakeCluster {
  public readonly logTail = new LogTail();
  public readonly shards = new Map<number, { shardId: number; state: string; latencyMs: number; guilds: number }>();
  public readonly pid: number;
  public readonly vitals = undefined;
  public readonly queuedBytes = 17;
  public readonly pendingRequests = 0;
  public generation = 1;
  public state = 'ready';
  public events = 0;
  public commands = 0;
  public asked = 0;
  /** Never answers, as a hung process does not. */
  public hangs = false;
  public readonly answers: Record<string, Answer> = {};
  readonly #handlers = new Map<string, (cluster: this, data: unknown, id: string, reply: () => void) => unknown>();

  public constructor(
    public readonly id: number,
    public readonly shardIds: readonly number[],
  ) {
    this.pid = 10_000 + id;
    for (const shardId of shardIds) this.shards.set(shardId, { shardId, state: 'ready', latencyMs: 40, guilds: 1_000 });
    this.answers.getStats = () => this.stats();
    this.answers.setLogLevel = () => undefined;
    this.answers.findGuild = () => null;
    this.answers.findUser = () => null;
    this.answers.findChannel = () => null;
    this.answers.evaluate = ({ code }: { code: string }) => ({ target: `cluster ${id}`, ok: true, output: code });
  }

  public on(name: string, handler: (cluster: this, data: unknown, id: string, reply: () => void) => unknown): void {
    this.#handlers.set(name, handler);
  }

  public off(name: string): void {
    this.#handlers.delete(name);
  }

  /** As if the cluster had sent this event. */
  public send(name: string, data: unknown): void {
    void this.#handlers.get(name)?.(this, data, '1', () => undefined);
  }

  public async request(name: string, data: unknown): Promise<unknown> {
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.hangs) return new Promise(() => undefined);
    // Written and parsed, as it would cost the master.
    return JSON.parse(JSON.stringify((await this.answers[name]?.(data as never)) ?? null)) as unknown;
  }

  public stats(): ClusterStats {
    const counts = { events: this.events, identifies: 1, resumes: 2 };
    const shards = [...this.shards.values()].map((shard) => ({ ...shard, ...counts }));
    return {
      clusterId: this.id,
      pid: this.pid,
      uptimeMs: 60_000,
      rssBytes: 150_000_000,
      heapBytes: 60_000_000,
      cpuSeconds: 12.5,
      loopLag: { p50Ms: 0.1, p99Ms: 2.5, maxMs: 31 },
      guilds: 1_000 * shards.length,
      users: 50_000,
      shards: shards as unknown as ClusterStats['shards'],
      resumable: shards.length,
      givenUp: 0,
      events: this.events,
      commands: this.commands,
      commandLatencyMs: { p50: 25.04, p99: 180.06 },
      rest: {
        byStatus: { 200: 100, 204: 50, 429: 1 },
        latency: { buckets: [100, 40, 5, 3, 1, 1, 0, 0, 0, 1], sumMs: 9_000 },
      },
    };
  }
}

/** A bot without processes, as the admin side sees it: for its tests and measurements. */
export class FakeFleet {
  public readonly clusters: FakePool;
  public readonly restart = Object.assign(new EventEmitter(), {
    current: undefined as unknown,
    begun: [] as unknown[],
    begin: (request: { clusterIds?: readonly number[] }) => {
      this.restart.begun.push(request);
      return { id: 'a-restart', clusterIds: request.clusterIds ?? this.clusters.ids };
    },
  });
  public readonly histories = new Map<number, { entries: unknown[]; counts: Map<string, number> }>();
  public readonly states = new Map<number, string>();
  public readonly retries = new Map<number, number>();
  public readonly waiting: number[] = [];
  public readonly queue = {
    state: () => ({
      remaining: 900,
      total: 1000,
      reserve: 100,
      resetAt: 1_800_000_000_000,
      maxConcurrency: 16,
      waiting: this.waiting.map((shardId) => ({ key: shardId % 16, shardIds: [shardId] })),
      slots: [],
      budgetWait: null,
    }),
  };
  public readonly spares = { status: { wanted: 1, ready: 1, loading: 0, rssBytes: 60_000_000 } };
  public readonly supervisor = {
    stateOf: (id: number) => this.states.get(id) ?? 'stopped',
    retryAtOf: (id: number) => this.retries.get(id),
    historyOf: (id: number) => this.histories.get(id),
  };

  public constructor(clusterCount: number, shardsPerCluster: number) {
    this.clusters = new FakePool(clusterCount, shardsPerCluster);
  }

  /** @returns what `FleetCommands` needs. The parts have the members that it uses, and no others. */
  public commandOptions(logger: Logger): FleetCommandsOptions {
    const { clusters, queue, restart } = this;
    const evaluateInMaster = async (code: string): Promise<EvalResult> => ({
      target: 'master',
      ok: true,
      output: code,
    });
    return { clusters, queue, restart, logger, evaluateInMaster } as unknown as FleetCommandsOptions;
  }

  /** @returns what the admin side needs. @param commands made by the caller, so that their errors are of the caller's classes. */
  public asFleet(commands: FleetCommands): AdminFleet {
    const { clusters, spares, queue, supervisor, restart } = this;
    return { clusters, spares, queue, supervisor, restart, commands } as unknown as AdminFleet;
  }
}

class FakePool extends EventEmitter {
  public readonly all: FakeCluster[];
  public readonly shardCount: number;
  readonly #shardsPerCluster: number;

  public constructor(clusterCount: number, shardsPerCluster: number) {
    super();
    this.#shardsPerCluster = shardsPerCluster;
    this.shardCount = clusterCount * shardsPerCluster;
    this.all = Array.from({ length: clusterCount }, (_, id) => new FakeCluster(id, this.shardIdsOf(id)));
  }

  public get ids(): readonly number[] {
    return this.all.map((_, id) => id);
  }

  public get workerCount(): number {
    return this.all.length;
  }

  public get alive(): readonly FakeCluster[] {
    return this.all.filter(({ state }) => state !== 'ended');
  }

  public *[Symbol.iterator](): Iterator<FakeCluster> {
    yield* this.all.filter(({ state }) => state === 'ready');
  }

  public shardIdsOf(id: number): readonly number[] {
    return Array.from({ length: this.#shardsPerCluster }, (_, index) => id * this.#shardsPerCluster + index);
  }

  public tryGet(id: number): FakeCluster | undefined {
    const cluster = this.all[id];
    return cluster?.state === 'ready' ? cluster : undefined;
  }

  public get(id: number): FakeCluster {
    const cluster = this.tryGet(id);
    if (cluster === undefined) throw new WorkerNotFoundError('cluster', id, 'is not running');
    return cluster;
  }

  public getForGuild(guildId: string): FakeCluster {
    return this.get(Math.floor(shardIdOfGuild(guildId, this.shardCount) / this.#shardsPerCluster));
  }

  public requestAll(name: string, data: unknown): Promise<unknown[]> {
    return Promise.all(
      [...this].map(async (cluster) => {
        try {
          return { workerId: cluster.id, status: 'fulfilled', value: await cluster.request(name, data) };
        } catch (reason) {
          return { workerId: cluster.id, status: 'rejected', reason };
        }
      }),
    );
  }
}
