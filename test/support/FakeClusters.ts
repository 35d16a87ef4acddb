import { EventEmitter } from 'node:events';
import type { ShardStatus } from '../../src/core/contracts/ClusterContract.js';
import type { ExitReason } from '../../src/core/errors.js';
import type { WorkerState } from '../../src/core/worker/WorkerConnection.js';
import type { WorkerPoolEvents } from '../../src/core/worker/WorkerPool.js';
import type { SupervisedCluster, SupervisedClusters } from '../../src/master/supervision/Supervisor.js';

/** One life of a cluster without a process. */
export class FakeCluster implements SupervisedCluster {
  public state: WorkerState = 'starting';
  public onlyResumed = false;
  public readonly shards = new Map<number, ShardStatus>();
  public logLines: string[] = [];
  public readonly shardIds: readonly number[];

  public constructor(
    private readonly clusters: FakeClusters,
    public readonly id: number,
    public readonly pid: number,
    private readonly settle: { resolve(): void; reject(error: Error): void },
  ) {
    this.shardIds = [id];
    this.hear('ready');
  }

  public get description(): string {
    return `cluster ${this.id} (pid ${this.pid})`;
  }

  /** What its shard is said to be. */
  public hear(state: ShardStatus['state']): void {
    this.shards.set(this.id, { shardId: this.id, state, latencyMs: null, guilds: 0 });
  }

  /** It says that it is ready. */
  public getReady({ onlyResumed = false } = {}): void {
    this.state = 'ready';
    this.onlyResumed = onlyResumed;
    this.clusters.replace(this);
    this.settle.resolve();
  }

  /** It ends before it was ready. */
  public failStart(error: Error = new Error('no')): void {
    this.state = 'ended';
    this.clusters.lives.delete(this);
    this.settle.reject(error);
  }

  /** It ends although it was ready. */
  public die(exit: ExitReason = { code: null, signal: 'SIGKILL' }): void {
    this.state = 'ended';
    this.clusters.lose(this, exit);
  }

  public terminate(): Promise<ExitReason> {
    const exit: ExitReason = { code: null, signal: 'SIGKILL' };
    this.die(exit);
    return Promise.resolve(exit);
  }
}

/** A pool whose clusters start, serve and die when the test says so. */
export class FakeClusters extends EventEmitter<WorkerPoolEvents<SupervisedCluster>> implements SupervisedClusters {
  /** Every life that has begun and not ended. */
  public readonly lives = new Set<FakeCluster>();
  /** The id of every cluster that was spawned, in order. */
  public readonly spawned: number[] = [];
  readonly #ready = new Map<number, FakeCluster>();
  #pids = 100;

  public constructor(public readonly workerCount: number) {
    super();
  }

  public get alive(): readonly FakeCluster[] {
    return [...this.lives];
  }

  /** @returns the life of this cluster that starts. */
  public starting(id: number): FakeCluster {
    const cluster = this.alive.find((life) => life.id === id && life.state === 'starting');
    if (cluster === undefined) throw new Error(`cluster ${id} does not start`);
    return cluster;
  }

  /** Has the life that starts get ready. @returns it. */
  public getReady(id: number, how?: { onlyResumed?: boolean }): FakeCluster {
    const cluster = this.starting(id);
    cluster.getReady(how);
    return cluster;
  }

  public tryGet(id: number): FakeCluster | undefined {
    return this.#ready.get(id);
  }

  public shardIdsOf(id: number): readonly number[] {
    return [id];
  }

  public spawn(id: number): Promise<unknown> {
    this.spawned.push(id);
    return new Promise<void>((resolve, reject) => {
      this.lives.add(new FakeCluster(this, id, ++this.#pids, { resolve, reject }));
    });
  }

  public [Symbol.iterator](): Iterator<FakeCluster> {
    return this.#ready.values();
  }

  public replace(cluster: FakeCluster): void {
    const predecessor = this.#ready.get(cluster.id);
    if (predecessor !== undefined) this.lives.delete(predecessor);
    this.#ready.set(cluster.id, cluster);
    this.emit('spawnedworker', cluster);
  }

  public lose(cluster: FakeCluster, exit: ExitReason): void {
    this.lives.delete(cluster);
    if (this.#ready.get(cluster.id) !== cluster) return;
    this.#ready.delete(cluster.id);
    this.emit('workerexited', cluster, exit);
  }
}
