import { setTimeout as delay } from 'node:timers/promises';
import { Channel, describeOverload } from '../ipc/Channel.js';
import type {
  AnyContract,
  Contract,
  DataArgs,
  DataOf,
  EventName,
  ReplyChecked,
  ReplyOf,
  RequestName,
  RequestOptions,
  WorkerHandler,
} from '../ipc/contract.js';
import { toWireError } from '../ipc/Envelope.js';
import { Handlers, type UntypedHandler } from '../ipc/Handlers.js';
import { type Hello, PROTOCOL_VERSION } from '../ipc/IpcServer.js';
import { SocketTransport } from '../ipc/SocketTransport.js';
import { stdoutDestination } from '../log/LogDestination.js';
import { createLogger, type Logger } from '../log/logger.js';
import { DISMISSED, FAILED, LOGGED, type LoggedLine, READY, STOP, STOPPED } from './controlMessages.js';
import { SignsOfLife } from './SignsOfLife.js';
import { SpareWait } from './SpareWait.js';
import { becomeWorker, isSpare, type WorkerEnvironment, workerEnvironment } from './WorkerEnvironment.js';

/** How often a worker without a master looks for a new one, in milliseconds. */
const REATTACH_INTERVAL_MS = 100;
/** How long a spare without a master may take to end, in milliseconds. It serves nobody, so nothing is lost with it. */
const SPARE_EXIT_MS = 1_000;
/** How long a worker without a master may live on after its own `stop()`, in milliseconds. */
const ORPHAN_EXIT_MS = 2_000;

/**
 * The child's side of a worker. Its entry point constructs one, adds handlers and calls `start()`.
 *
 * A subclass overrides `start()` to set up, and calls `super.start()` when it is ready to serve. It overrides `stop()` to tear
 * down, and calls `super.stop()` last. The worker connects to its master with the first message or with `super.start()`,
 * whichever is first. A worker whose master is gone stops by itself.
 *
 * The process may be a spare: it has no id yet. Its first connection waits then until the master says which worker it becomes.
 * Messages that are sent before wait with it.
 */
export class BaseWorker<C extends Contract = AnyContract> {
  readonly #handlers = new Handlers();
  #channel: Channel | undefined;
  #connecting: Promise<Channel> | undefined;
  #stopping: Promise<void> | undefined;
  #logger: Logger | undefined;
  readonly #signsOfLife = new SignsOfLife();
  #isReady = false;
  /** The master that spawned this worker is gone, so nobody reads stdout any more. */
  #isOutputLost = false;
  /** The master is gone, and {@link masterLost} is at work. */
  #isLost = false;
  #spareWait: SpareWait | undefined;
  readonly #dismissed = new AbortController();

  public constructor() {
    this.#handlers.add(STOP, () => void this.stop().catch((error: unknown) => this.#stopFailed(error)), false);
    this.#handlers.add(DISMISSED, () => this.#dismissed.abort(), false);
  }

  /** This worker's id in its pool. @throws Error while the process is a spare: it has none yet. */
  public get id(): number {
    return this.#identity.id;
  }

  /** Which life of this id it is, from 1. @throws as {@link id} does. */
  public get generation(): number {
    return this.#identity.generation;
  }

  /** Logs to stdout as JSON lines with kind, id and pid. The master shows them and keeps the last 200. */
  public get logger(): Logger {
    this.#logger ??= createLogger({
      level: 'info',
      pretty: false,
      bindings: { kind: this.environment.kind, pid: process.pid, ...(isSpare() ? {} : { id: this.id }) },
      ...(isSpare() ? { lateBindings: () => (isSpare() ? {} : { id: this.id }) } : {}),
      destination: { write: (line) => this.#writeLog(line) },
    });
    return this.#logger;
  }

  protected get environment(): WorkerEnvironment {
    return workerEnvironment();
  }

  /**
   * Serves a message. The handler answers a request by returning the reply (or a promise of it), or by calling `reply`. The
   * caller gets what the handler throws as a `RemoteError`.
   */
  public on<Name extends keyof C['toWorker'] & string, Handler extends WorkerHandler<C['toWorker'], Name>>(
    name: Name,
    handler: Handler & ReplyChecked<Handler, C['toWorker'], Name, 3>,
  ): this {
    this.#handlers.add(name, handler as UntypedHandler, false);
    return this;
  }

  /** As {@link on}, for the next message of that name only. */
  public once<Name extends keyof C['toWorker'] & string, Handler extends WorkerHandler<C['toWorker'], Name>>(
    name: Name,
    handler: Handler & ReplyChecked<Handler, C['toWorker'], Name, 3>,
  ): this {
    this.#handlers.add(name, handler as UntypedHandler, true);
    return this;
  }

  /** Removes a handler; does nothing where it was not added. */
  public off<Name extends keyof C['toWorker'] & string>(name: Name, handler: WorkerHandler<C['toWorker'], Name>): this {
    this.#handlers.remove(name, handler as UntypedHandler);
    return this;
  }

  /**
   * Sends an event to the master. One that is sent before there is a connection goes out with it.
   *
   * @throws SerializationError, QueueFullError, WorkerExitedError where the master is gone.
   */
  public send<Name extends EventName<C['toMaster']>>(name: Name, ...data: DataArgs<DataOf<C['toMaster'], Name>>): void;
  public send<Data = never>(name: string, data: NoInfer<Data>): void;
  public send(name: string, data?: unknown): void {
    if (this.#channel !== undefined) {
      this.#channel.send(name, data);
      return;
    }
    this.connect()
      .then((channel) => channel.send(name, data))
      .catch((error: unknown) => this.logger.error({ err: error, message: name }, 'an event did not reach the master'));
  }

  /** Resolves when everything sent so far has left this process: await it before `process.exit`. */
  public async flush(): Promise<void> {
    await (await this.connect()).flush();
  }

  /**
   * Sends a request to the master and waits for its reply.
   *
   * @param options `timeoutMs` (milliseconds, default 10 000) and `signal`.
   * @throws RemoteError, RequestTimeoutError, AbortError, WorkerExitedError, NoHandlerError, SerializationError,
   * QueueFullError.
   */
  public request<Name extends RequestName<C['toMaster']>>(
    name: Name,
    data: DataOf<C['toMaster'], Name>,
    options?: RequestOptions,
  ): Promise<ReplyOf<C['toMaster'], Name>>;
  public request<Data = never, Reply = never>(
    name: string,
    data: NoInfer<Data>,
    options?: RequestOptions,
  ): Promise<Reply>;
  public async request(name: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    const channel = this.#channel ?? (await this.connect());
    return channel.request(name, data, options);
  }

  /** Says `ready` to the master. A subclass calls it last in its own `start()`. */
  public async start(): Promise<void> {
    const channel = await this.connect();
    channel.send(READY, undefined);
    this.#isReady = true;
  }

  /**
   * Ends the worker in an orderly way: the last messages leave, then the connection closes. A subclass tears down first and
   * calls this last. The process ends when nothing keeps it open. The master ends one that something does.
   */
  public stop(): Promise<void> {
    this.#stopping ??= (async () => {
      if (isSpare()) return this.#spareWait?.stop();
      const channel = await this.#connecting?.catch(() => undefined);
      if (channel === undefined || channel.closed) return;
      channel.send(STOPPED, undefined);
      await channel.close();
    })();
    return this.#stopping;
  }

  /**
   * Tells the master why `start()` failed and flushes, so that the process can exit next. For entry points:
   * `worker.start().catch(async (error) => { await worker.fail(error); process.exit(1); })`.
   */
  public async fail(error: unknown): Promise<void> {
    this.#stopping ??= Promise.resolve();
    if (isSpare()) return this.#getSpareWait().fail(toWireError(error, 'handler'));
    // A `start()` that throws has often not connected yet. Without a master there is nobody to tell.
    const channel = await this.connect().catch(() => undefined);
    if (channel === undefined || channel.closed) return;
    channel.send(FAILED, toWireError(error, 'handler'));
    await channel.close();
  }

  /** Connects to the master. The first message does so by itself. */
  protected connect(): Promise<Channel> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  /**
   * Looks for a new master on the same socket, after the old one is gone. Requests to the old one have failed; requests from now
   * on go to the new one.
   *
   * @param graceMs For how long to look, in milliseconds.
   * @returns whether a new master has taken this worker over.
   */
  protected async reattach(graceMs: number): Promise<boolean> {
    const until = performance.now() + graceMs;
    const { signal } = this.#dismissed;
    while (performance.now() < until && this.#stopping === undefined && !signal.aborted) {
      const attempt = this.#connect();
      this.#connecting = attempt;
      try {
        const channel = await attempt;
        // A master that does not know this worker cuts it off at once, and may say that it never will know it.
        await delay(REATTACH_INTERVAL_MS, undefined, { signal });
        if (!channel.closed) {
          this.#isOutputLost = true;
          return true;
        }
      } catch {
        // Nobody listens yet. Meanwhile sends and requests fail, as to any peer that has ended.
        if (!signal.aborted) await delay(REATTACH_INTERVAL_MS);
      }
    }
    return false;
  }

  /** The master is gone and had not told this worker to stop. Stops; a subclass that can serve without a master overrides it. */
  protected async masterLost(): Promise<void> {
    this.logger.warn('the master is gone, stopping');
    await this.stop();
    // No master is left to end a process that something still keeps open.
    setTimeout(() => this.endProcess(), ORPHAN_EXIT_MS).unref();
  }

  /** Ends this process where an orderly stop did not: the entry point's handler of SIGTERM has the last word. */
  protected endProcess(): void {
    process.kill(process.pid, 'SIGTERM');
  }

  get #identity(): WorkerEnvironment {
    if (isSpare())
      throw new Error('this process is a spare: it has an id and a generation only when start() has gone on');
    return this.environment;
  }

  #getSpareWait(): SpareWait {
    this.#spareWait ??= new SpareWait({
      environment: this.environment,
      onStop: () => void this.stop().catch((error: unknown) => this.#stopFailed(error)),
      onLost: () => {
        setTimeout(() => process.kill(process.pid, 'SIGKILL'), SPARE_EXIT_MS).unref();
        process.kill(process.pid, 'SIGTERM');
      },
    });
    return this.#spareWait;
  }

  async #connect(): Promise<Channel> {
    if (isSpare()) becomeWorker(await this.#getSpareWait().assignment());
    const { socketPath, secret } = this.environment;
    const transport = await SocketTransport.connect(socketPath);
    const channel = new Channel({
      transport,
      handlers: this.#handlers,
      peer: 'the master',
      onEventError: (name, error) => this.logger.error({ err: error, message: name }, 'a message handler threw'),
      onOverload: (name, limit) => this.logger.warn({ message: name }, describeOverload('the master', limit)),
      onClosed: (error) => this.#onClosed(channel, error),
    });
    const hello: Hello = { protocol: PROTOCOL_VERSION, secret, pid: process.pid, ready: this.#isReady };
    transport.send(JSON.stringify(hello));
    channel.open();
    this.#channel = channel;
    this.#signsOfLife.start(channel, (error) => this.logger.debug({ err: error }, 'a sign of life could not be sent'));
    return channel;
  }

  #writeLog(line: string): void {
    const channel = this.#channel;
    if (!this.#isOutputLost || channel === undefined || channel.closed) {
      stdoutDestination().write(line);
      return;
    }
    try {
      channel.send(LOGGED, { line: line.trimEnd() } satisfies LoggedLine);
    } catch {
      // A log line about a log line that cannot be sent could not be sent either.
    }
  }

  #onClosed(channel: Channel, error: Error | undefined): void {
    channel.end({ code: null, signal: null });
    if (channel !== this.#channel) return;
    this.#signsOfLife.stop();
    // While the worker looks for a new master, `reattach` sees each refusal itself.
    if (this.#stopping !== undefined || this.#isLost) return;
    this.#isLost = true;
    if (error !== undefined) this.logger.error({ err: error }, 'the connection to the master broke');
    this.masterLost()
      .catch((failure: unknown) => this.#stopFailed(failure))
      .finally(() => {
        this.#isLost = false;
        // A new master was lost again before this could run. The old one is not lost twice.
        if (this.#channel !== channel && this.#channel?.closed === true) this.#onClosed(this.#channel, undefined);
      });
  }

  #stopFailed(error: unknown): void {
    this.logger.error({ err: error }, 'stopping failed');
    this.endProcess();
  }
}
