import type { ReplyFunction } from '../ipc/contract.js';
import type { PooledWorker } from '../worker/WorkerPool.js';
import { BaseService } from './BaseService.js';

/** What the service needs of a pool. */
interface EventPool<Worker> {
  readonly alive: readonly Worker[];
  on(event: 'spawningworker' | 'killedworker', listener: (worker: Worker) => void): unknown;
  off(event: 'spawningworker' | 'killedworker', listener: (worker: Worker) => void): unknown;
}

interface EventWorker extends PooledWorker {
  on(name: string, handler: never): unknown;
  off(name: string, handler: never): unknown;
}

type Messages<Worker extends PooledWorker> = NonNullable<Worker['contract']>['toMaster'];

type Data<Worker extends PooledWorker, Name extends string> = string extends keyof Messages<Worker>
  ? unknown
  : Name extends keyof Messages<Worker>
    ? Messages<Worker>[Name] extends { readonly data: infer D }
      ? D
      : never
    : never;

type Reply<Worker extends PooledWorker, Name extends string> = string extends keyof Messages<Worker>
  ? unknown
  : Name extends keyof Messages<Worker>
    ? Messages<Worker>[Name] extends { readonly reply: infer R }
      ? R
      : undefined
    : never;

/**
 * Serves one message for every worker of a pool, those that run already and those to come. A worker keeps its handler until its
 * process has ended, so that its last messages are served too.
 */
export abstract class WorkerPoolEventService<
  Worker extends EventWorker,
  Name extends keyof Messages<Worker> & string = keyof Messages<Worker> & string,
> extends BaseService {
  public readonly workers: EventPool<Worker>;
  public readonly event: Name;
  #started = false;

  public constructor(workers: EventPool<Worker>, event: Name) {
    super();
    this.workers = workers;
    this.event = event;
  }

  public start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const worker of this.workers.alive) this.#attach(worker);
    this.workers.on('spawningworker', this.#attach);
    this.workers.on('killedworker', this.#detach);
  }

  public stop(): void {
    if (!this.#started) return;
    this.#started = false;
    this.workers.off('spawningworker', this.#attach);
    this.workers.off('killedworker', this.#detach);
    for (const worker of this.workers.alive) this.#detach(worker);
  }

  /** Serves one message. It returns the reply; the worker gets what it throws as a `RemoteError`. */
  protected abstract execute(
    worker: Worker,
    data: Data<Worker, Name>,
    signal: AbortSignal,
  ): Reply<Worker, Name> | Promise<Reply<Worker, Name>>;

  readonly #attach = (worker: Worker): void => {
    worker.on(this.event, this.#handle as never);
  };

  readonly #detach = (worker: Worker): void => {
    worker.off(this.event, this.#handle as never);
  };

  readonly #handle = async (
    worker: Worker,
    data: Data<Worker, Name>,
    _id: string,
    reply: ReplyFunction<unknown>,
  ): Promise<void> => {
    // It takes `reply` for the signal, and so must answer by it: a returned undefined would be no answer.
    const result = await this.execute(worker, data, reply.signal);
    reply(result);
  };
}
