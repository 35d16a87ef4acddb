import { EventEmitter } from 'node:events';
import { describeExit, type ExitReason, WorkerNotFoundError } from '../errors.js';
import type { Contract, DataOf, ReplyOf, RequestName, RequestOptions } from '../ipc/contract.js';
import type { Logger } from '../log/logger.js';
import type { StopResult } from './stopWorker.js';
import type { WorkerConnection, WorkerState } from './WorkerConnection.js';
import type { WorkerRecord } from './WorkerRegistry.js';

/** What a pool needs of its workers: every `WorkerConnection` has it, whatever its contract. */
export interface PooledWorker {
  readonly contract?: Contract;
  readonly id: number;
  generation: number;
  readonly state: WorkerState;
  readonly pid: number | undefined;
  readonly description: string;
  readonly ended: Promise<ExitReason>;
  connect(timeoutMs: number): Promise<void>;
  attach(record: WorkerRecord, timeoutMs: number): Promise<void>;
  detach(): void;
  kill(): Promise<StopResult>;
  request<Data = never, Reply = never>(name: string, data: NoInfer<Data>, options?: RequestOptions): Promise<Reply>;
}

export type ContractOf<Worker extends PooledWorker> = NonNullable<Worker['contract']>;

/** One worker's outcome of a {@link WorkerPool.requestAll}. */
export type SettledReply<Reply> =
  | { readonly workerId: number; readonly status: 'fulfilled'; readonly value: Reply }
  | { readonly workerId: number; readonly status: 'rejected'; readonly reason: unknown };

/** A pool's events. All but `workerexited` come in pairs: what a listener adds at the first, it removes at the second. */
export interface WorkerPoolEvents<Worker> {
  /** A worker is about to be spawned: time to add handlers. */
  spawningworker: [worker: Worker];
  /** It is ready, and `get` returns it. */
  spawnedworker: [worker: Worker];
  /** It is about to be stopped. */
  killingworker: [worker: Worker];
  /** Its process is gone and its last messages were delivered. Comes for every worker, however it ended. */
  killedworker: [worker: Worker];
  /** A ready worker ended although nobody had stopped it. Comes before its `killedworker`. */
  workerexited: [worker: Worker, exit: ExitReason];
}

/**
 * Workers by id: spawns, replaces and stops them. `get` always returns a ready worker. One that is being replaced stays until its
 * successor is ready, and serves on where the successor fails.
 *
 * The pool does not restart a worker that crashed. It emits `workerexited`, and a supervisor decides.
 */
export abstract class WorkerPool<Worker extends PooledWorker = WorkerConnection> extends EventEmitter<
  WorkerPoolEvents<Worker>
> {
  public readonly type: string;
  public readonly workerCount: number;
  public readonly defaultTimeoutMs: number;
  protected readonly logger: Logger;

  readonly #ready = new Map<number, Worker>();
  /** All workers that have a process: ready, starting or stopping. */
  readonly #alive = new Set<Worker>();
  readonly #spawning = new Map<number, Promise<Worker>>();
  readonly #generations = new Map<number, number>();
  readonly #lastExit = new Map<number, ExitReason>();

  /**
   * @param type What the workers are, for logs and errors.
   * @param workerCount How many: ids run from 0 to one below.
   * @param defaultTimeoutMs How long each may take to be ready, in milliseconds.
   */
  public constructor(type: string, workerCount: number, defaultTimeoutMs: number, logger: Logger) {
    super();
    // A pool is meant to have one service per message, so no number of listeners is a leak.
    this.setMaxListeners(0);
    this.type = type;
    this.workerCount = workerCount;
    this.defaultTimeoutMs = defaultTimeoutMs;
    this.logger = logger;
  }

  /** Every worker that has a process, including those that are starting or stopping. */
  public get alive(): readonly Worker[] {
    return [...this.#alive];
  }

  /** @throws WorkerNotFoundError where no ready worker has this id; the message says why. */
  public get(id: number): Worker {
    const worker = this.#ready.get(id);
    if (worker !== undefined) return worker;
    throw new WorkerNotFoundError(this.type, id, this.#whyMissing(id));
  }

  /** @returns the ready worker with this id, if there is one. */
  public tryGet(id: number): Worker | undefined {
    return this.#ready.get(id);
  }

  /** Calls back for each ready worker, in the order of their ids. */
  public forEach(callback: (worker: Worker, id: number) => void): void {
    for (const worker of this) callback(worker, worker.id);
  }

  /** The ready workers, in the order of their ids. */
  public *[Symbol.iterator](): IterableIterator<Worker> {
    yield* [...this.#ready.values()].sort((left, right) => left.id - right.id);
  }

  /**
   * Spawns the worker with this id. An earlier one with this id serves on until the new one is ready. It is stopped then, and
   * gone when this resolves. A second call joins the first until the new worker is ready.
   *
   * @param timeoutMs How long it may take to be ready, in milliseconds. Default: the pool's.
   * @throws WorkerStartError; the earlier worker still serves then. WorkerNotFoundError where no worker can have this id.
   */
  public spawn(id: number, timeoutMs: number = this.defaultTimeoutMs): Promise<Worker> {
    if (!Number.isInteger(id) || id < 0 || id >= this.workerCount) {
      return Promise.reject(new WorkerNotFoundError(this.type, id, this.#whyMissing(id)));
    }
    const underWay = this.#spawning.get(id);
    if (underWay !== undefined) return underWay;
    const spawning = this.#spawn(id, timeoutMs).finally(() => {
      if (this.#spawning.get(id) === spawning) this.#spawning.delete(id);
    });
    this.#spawning.set(id, spawning);
    return spawning;
  }

  /**
   * Spawns all workers at once, and waits until each is ready or has failed.
   *
   * @param timeoutMs How long each may take to be ready, in milliseconds. Default: the pool's.
   * @throws the first error. Workers that are ready stay.
   */
  public async spawnAll(timeoutMs?: number): Promise<void> {
    const ids = Array.from({ length: this.workerCount }, (_, id) => id);
    const results = await Promise.allSettled(ids.map((id) => this.spawn(id, timeoutMs)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /**
   * Takes over a worker that an earlier master has spawned. A worker that does not come back, or was not ready yet, is stopped,
   * so that a new one can have what it holds.
   *
   * @param timeoutMs How long it may take to come back, in milliseconds.
   * @returns the worker, or undefined where it could not be taken over.
   */
  public async attach(record: WorkerRecord, timeoutMs: number): Promise<Worker | undefined> {
    const worker = this.#create(record.id, record.generation);
    try {
      await worker.attach(record, timeoutMs);
    } catch (error) {
      this.logger.warn({ err: error }, `${this.type} ${record.id} could not be taken over, it is replaced`);
      await worker.kill();
      return undefined;
    }
    this.#ready.set(record.id, worker);
    this.emit('spawnedworker', worker);
    return worker;
  }

  /** Lets go of all workers without ending them: another master takes them over. */
  public detachAll(): void {
    for (const worker of [...this.#alive]) {
      if (this.#ready.get(worker.id) === worker) this.#ready.delete(worker.id);
      worker.detach();
    }
  }

  /** Stops the workers with this id, ready or not. Resolves when their processes are gone. */
  public async kill(id: number): Promise<void> {
    await Promise.all([...this.#alive].filter((worker) => worker.id === id).map((worker) => this.#kill(worker)));
    // Whoever spawned it gets the rejection. Here it only has to be over.
    await this.#spawning.get(id)?.catch(() => undefined);
  }

  /** Stops all workers at once. Resolves when no process is left. */
  public async killAll(): Promise<void> {
    await Promise.all(Array.from({ length: this.workerCount }, (_, id) => this.kill(id)));
  }

  /**
   * Asks every ready worker at once. Never rejects: each worker has an outcome of its own, and one that hangs delays it no longer
   * than the timeout.
   */
  public requestAll<Name extends RequestName<ContractOf<Worker>['toWorker']>>(
    name: Name,
    data: DataOf<ContractOf<Worker>['toWorker'], Name>,
    options?: RequestOptions,
  ): Promise<SettledReply<ReplyOf<ContractOf<Worker>['toWorker'], Name>>[]>;
  public requestAll<Data = never, Reply = never>(
    name: string,
    data: NoInfer<Data>,
    options?: RequestOptions,
  ): Promise<SettledReply<Reply>[]>;
  public requestAll(name: string, data: unknown, options?: RequestOptions): Promise<SettledReply<unknown>[]> {
    return Promise.all(
      [...this].map((worker) =>
        worker.request<unknown, unknown>(name, data, options).then(
          (value): SettledReply<unknown> => ({ workerId: worker.id, status: 'fulfilled', value }),
          (reason: unknown): SettledReply<unknown> => ({ workerId: worker.id, status: 'rejected', reason }),
        ),
      ),
    );
  }

  /** Makes the connection for one life of a worker. The pool does the rest. */
  protected abstract createWorker(id: number): Worker;

  async #spawn(id: number, timeoutMs: number): Promise<Worker> {
    const worker = this.#create(id, (this.#generations.get(id) ?? 0) + 1);
    this.logger.debug({ worker: worker.description, generation: worker.generation }, `spawning ${this.type} ${id}`);
    await worker.connect(timeoutMs);
    // This worker may end while its predecessor still drains. Whoever spawns then must get a new worker, and not join this call.
    this.#spawning.delete(id);
    const predecessor = this.#ready.get(id);
    this.#ready.set(id, worker);
    this.emit('spawnedworker', worker);
    // It may have died between its `ready` and this line: its end was announced before `get` returned it.
    if (worker.state === 'ended') this.#onLost(worker, await worker.ended);
    if (predecessor !== undefined) await this.#kill(predecessor);
    return worker;
  }

  #create(id: number, generation: number): Worker {
    const worker = this.createWorker(id);
    worker.generation = generation;
    this.#generations.set(id, generation);
    this.#alive.add(worker);
    this.emit('spawningworker', worker);
    void worker.ended.then((exit) => this.#onEnded(worker, exit));
    return worker;
  }

  async #kill(worker: Worker): Promise<void> {
    if (worker.state !== 'ended') this.emit('killingworker', worker);
    if (this.#ready.get(worker.id) === worker) this.#ready.delete(worker.id);
    const { forced } = await worker.kill();
    if (forced !== 'no')
      this.logger.warn({ worker: worker.description }, `a ${this.type} had to be stopped by ${forced}`);
  }

  #onEnded(worker: Worker, exit: ExitReason): void {
    this.#lastExit.set(worker.id, exit);
    this.#onLost(worker, exit);
    this.#alive.delete(worker);
    this.emit('killedworker', worker);
  }

  #onLost(worker: Worker, exit: ExitReason): void {
    if (this.#ready.get(worker.id) !== worker) return;
    this.#ready.delete(worker.id);
    this.emit('workerexited', worker, exit);
  }

  #whyMissing(id: number): string {
    if (!Number.isInteger(id) || id < 0 || id >= this.workerCount) {
      return `does not exist: ids run from 0 to ${this.workerCount - 1}`;
    }
    const exit = this.#lastExit.get(id);
    const past = exit === undefined ? 'has not been spawned' : `is not running: it ${describeExit(exit)}`;
    return this.#spawning.has(id) ? `${past}, and is starting now` : past;
  }
}
