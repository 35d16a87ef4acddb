import { EventEmitter } from 'node:events';
import type { ShardArrival, ShardStatus } from '../../src/core/contracts/ClusterContract.js';
import type { ExitReason } from '../../src/core/errors.js';
import type { RequestOptions } from '../../src/core/ipc/contract.js';
import type { Vitals } from '../../src/core/worker/controlMessages.js';
import type { WorkerState } from '../../src/core/worker/WorkerConnection.js';
import type { WorkerPoolEvents } from '../../src/core/worker/WorkerPool.js';
import type { RestartableClusters } from '../../src/master/restart/FleetRestart.js';
import type { HandoverClusters } from '../../src/master/restart/Handover.js';
import type { SupervisedClusters } from '../../src/master/supervision/Supervisor.js';
import type { WatchedWorker } from '../../src/master/supervision/VitalsMonitor.js';

/** A request that a cluster was sent. */
export interface AskedRequest {
  readonly name: string;
  readonly timeoutMs: number | undefined;
}

/** One life of a cluster without a process. */
export class FakeCluster implements WatchedWorker {
  public state: WorkerState = 'starting';
  public onlyResumed = false;
  public arrivals: readonly ShardArrival[] = [];
  public heardAt = 0;
  public vitals: Vitals | undefined;
  public readonly requests: AskedRequest[] = [];
  /** What it replies; a rejection is its error. */
  public answer: (name: string) => Promise<unknown> = (name) => Promise.reject(new Error(`no answer to ${name}`));
  public readonly shards = new Map<number, ShardStatus>();
  public logLines: string[] = [];
  public readonly shardIds: readonly number[];

  public constructor(
    private readonly clusters: FakeClusters,
    public readonly id: number,
    public readonly pid: number,
    private readonly settle: { resolve(cluster: FakeCluster): void; reject(error: Error): void },
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
    this.settle.resolve(this);
  }

  /** It ends before it was ready. */
  public failStart(error: Error = new Error('no')): void {
    this.state = 'ended';
    this.clusters.lives.delete(this);
    this.settle.reject(error);
    this.clusters.emit('killedworker', this);
  }

  /** It ends although it was ready. */
  public die(exit: ExitReason = { code: null, signal: 'SIGKILL' }): void {
    this.state = 'ended';
    this.clusters.lose(this, exit);
  }

  public request<Reply>(name: string, _data?: unknown, options?: RequestOptions): Promise<Reply> {
    this.requests.push({ name, timeoutMs: options?.timeoutMs });
    return this.answer(name) as Promise<Reply>;
  }

  public terminate(): Promise<ExitReason> {
    const exit: ExitReason = { code: null, signal: 'SIGKILL' };
    if (this.state !== 'ended') this.die(exit);
    return Promise.resolve(exit);
  }
}

/** A pool whose clusters start, serve and die when the test says so. */
export class FakeClusters
  extends EventEmitter<WorkerPoolEvents<FakeCluster>>
  implements SupervisedClusters, HandoverClusters, RestartableClusters
{
  /** Every life that has begun and not ended. */
  public readonly lives = new Set<FakeCluster>();
  /** The id of every cluster that was spawned, in order. */
  public readonly spawned: number[] = [];
  readonly #ready = new Map<number, FakeCluster>();
  #pids = 100;

  public constructor(public readonly workerCount: number) {
    super();
  }

  /** One shard a cluster. */
  public get shardCount(): number {
    return this.workerCount;
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

  public get(id: number): FakeCluster {
    const cluster = this.#ready.get(id);
    if (cluster === undefined) throw new Error(`cluster ${id} is not ready`);
    return cluster;
  }

  public tryGet(id: number): FakeCluster | undefined {
    return this.#ready.get(id);
  }

  public shardIdsOf(id: number): readonly number[] {
    return [id];
  }

  public spawn(id: number): Promise<FakeCluster> {
    this.spawned.push(id);
    return new Promise<FakeCluster>((resolve, reject) => {
      this.lives.add(new FakeCluster(this, id, ++this.#pids, { resolve, reject }));
    });
  }

  public [Symbol.iterator](): Iterator<FakeCluster> {
    return this.#ready.values();
  }

  public replace(cluster: FakeCluster): void {
    const predecessor = this.#ready.get(cluster.id);
    this.#ready.set(cluster.id, cluster);
    this.emit('spawnedworker', cluster);
    if (predecessor === undefined) return;
    predecessor.state = 'ended';
    this.lives.delete(predecessor);
    this.emit('killedworker', predecessor);
  }

  public lose(cluster: FakeCluster, exit: ExitReason): void {
    this.lives.delete(cluster);
    if (this.#ready.get(cluster.id) === cluster) {
      this.#ready.delete(cluster.id);
      this.emit('workerexited', cluster, exit);
    }
    this.emit('killedworker', cluster);
  }
}
