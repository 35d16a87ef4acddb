import { type ExitReason, WorkerExitedError } from '../errors.js';
import { Channel, type ChannelObserver, describeOverload } from '../ipc/Channel.js';
import type {
  AnyContract,
  ConnectionHandler,
  Contract,
  DataArgs,
  DataOf,
  EventName,
  ReplyChecked,
  ReplyOf,
  RequestName,
  RequestOptions,
} from '../ipc/contract.js';
import { Handlers, type UntypedHandler } from '../ipc/Handlers.js';
import type { Transport } from '../ipc/Transport.js';
import type { Logger } from '../log/logger.js';

/**
 * The messages of a worker, as its master sends and hears them. Handlers can be added before there is a connection. Sends and
 * requests fail at once while there is none.
 */
export abstract class WorkerPort<C extends Contract = AnyContract> {
  /** Only for types: lets a pool know its workers' contract. */
  declare public readonly contract?: C;
  protected readonly handlers = new Handlers(this);
  protected channel: Channel | undefined;
  /** How the process ended. Undefined while it runs. */
  protected exit: ExitReason | undefined;
  #resolveDisconnected: (error: Error | undefined) => void = () => undefined;
  /** Resolves when the connection has closed, with what broke it where it was not orderly. */
  protected readonly disconnected = new Promise<Error | undefined>((resolve) => {
    this.#resolveDisconnected = resolve;
  });

  /** The worker in words, for logs and errors. */
  public abstract get description(): string;

  /** How many requests to the worker wait for their reply. */
  public get pendingRequests(): number {
    return this.channel?.pendingCount ?? 0;
  }

  /** Bytes that wait for the worker to read them. */
  public get queuedBytes(): number {
    return this.channel?.queuedBytes ?? 0;
  }

  /**
   * Serves a message of the worker. The handler answers a request by returning the reply (or a promise of it), or by calling
   * `reply`. The worker gets what the handler throws as a `RemoteError`.
   */
  public on<Name extends keyof C['toMaster'] & string, Handler extends ConnectionHandler<this, C['toMaster'], Name>>(
    name: Name,
    handler: Handler & ReplyChecked<Handler, C['toMaster'], Name, 4>,
  ): this {
    this.handlers.add(name, handler as UntypedHandler, false);
    return this;
  }

  /** As {@link on}, for the next message of that name only. */
  public once<Name extends keyof C['toMaster'] & string, Handler extends ConnectionHandler<this, C['toMaster'], Name>>(
    name: Name,
    handler: Handler & ReplyChecked<Handler, C['toMaster'], Name, 4>,
  ): this {
    this.handlers.add(name, handler as UntypedHandler, true);
    return this;
  }

  /** Removes a handler; does nothing where it was not added. */
  public off<Name extends keyof C['toMaster'] & string>(
    name: Name,
    handler: ConnectionHandler<this, C['toMaster'], Name>,
  ): this {
    this.handlers.remove(name, handler as UntypedHandler);
    return this;
  }

  /**
   * Sends an event to the worker.
   *
   * @throws WorkerExitedError where it is not connected, SerializationError, QueueFullError.
   */
  public send<Name extends EventName<C['toWorker']>>(name: Name, ...data: DataArgs<DataOf<C['toWorker'], Name>>): void;
  public send<Data = never>(name: string, data: NoInfer<Data>): void;
  public send(name: string, data?: unknown): void {
    if (this.channel === undefined) throw this.#notConnected(`event "${name}" to ${this.description}`);
    this.channel.send(name, data);
  }

  /**
   * Sends a request to the worker and waits for its reply.
   *
   * @param options `timeoutMs` (milliseconds, default 10 000) and `signal`.
   * @throws RemoteError, RequestTimeoutError, AbortError, WorkerExitedError, NoHandlerError, SerializationError,
   * QueueFullError.
   */
  public request<Name extends RequestName<C['toWorker']>>(
    name: Name,
    data: DataOf<C['toWorker'], Name>,
    options?: RequestOptions,
  ): Promise<ReplyOf<C['toWorker'], Name>>;
  public request<Data = never, Reply = never>(
    name: string,
    data: NoInfer<Data>,
    options?: RequestOptions,
  ): Promise<Reply>;
  public request(name: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    if (this.channel === undefined) {
      return Promise.reject(this.#notConnected(`request "${name}" to ${this.description}`));
    }
    return this.channel.request(name, data, options);
  }

  /** Resolves when everything sent so far has left this process. */
  public async flush(): Promise<void> {
    await this.channel?.flush();
  }

  /** Sends and hears the messages over this transport from now on. */
  protected open(transport: Transport, logger: Logger, observer: ChannelObserver | undefined): void {
    this.channel = new Channel({
      transport,
      handlers: this.handlers,
      peer: this.description,
      onEventError: (name, error) => logger.error({ err: error, message: name }, 'a message handler threw'),
      onOverload: (name, limit) => logger.warn({ message: name }, describeOverload(this.description, limit)),
      onClosed: (error) => this.#resolveDisconnected(error),
      observer,
    });
    this.channel.open();
  }

  #notConnected(what: string): WorkerExitedError {
    return new WorkerExitedError(what, this.description, this.exit ?? { code: null, signal: null });
  }
}
