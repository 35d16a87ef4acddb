import { describeExit, type ExitReason, KallistiError, RemoteError, WorkerStartError } from '../errors.js';
import { identityOf } from '../files/processIdentity.js';
import { Channel, type ChannelObserver, describeOverload } from '../ipc/Channel.js';
import type { AnyContract, Contract } from '../ipc/contract.js';
import { IpcServer } from '../ipc/IpcServer.js';
import type { Transport } from '../ipc/Transport.js';
import { LineForwarder } from '../log/LineForwarder.js';
import { LogTail } from '../log/LogTail.js';
import type { Logger } from '../log/logger.js';
import { messageOf } from '../text/messageOf.js';
import { AttachedProcess, type WorkerHandle } from './AttachedProcess.js';
import {
  ALIVE,
  FAILED,
  LOGGED,
  type LoggedLine,
  parseStartFailure,
  READY,
  STOP,
  STOPPED,
  type StartFailure,
  type Vitals,
} from './controlMessages.js';
import { findEntrypoint } from './entrypoint.js';
import { WORKER_ENVIRONMENT_VARIABLE, type WorkerEnvironment } from './WorkerEnvironment.js';
import { WorkerPort } from './WorkerPort.js';
import { WorkerProcess } from './WorkerProcess.js';
import type { WorkerRecord, WorkerRegistry } from './WorkerRegistry.js';
import { within } from './within.js';

/** `idle` until `connect()`; `ended` when its process is gone, and nothing leads out of that. */
export type WorkerState = 'idle' | 'starting' | 'ready' | 'stopping' | 'ended';

export interface WorkerConnectionOptions {
  /** Arguments of the worker's program. Default none. */
  readonly args?: readonly string[];
  /** Node's own flags, for example `--max-old-space-size=512`. Default none. */
  readonly execArgv?: readonly string[];
  /** Added to this process's environment; `undefined` removes a variable. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the worker calls back. Default: a socket in a private folder that all such connections of a program share. */
  readonly server?: IpcServer;
  /** Where it is noted that the worker runs, for a later master. Default: nowhere. */
  readonly registry?: WorkerRegistry;
  /** Sees how requests end. Default: nobody. */
  readonly observer?: ChannelObserver | undefined;
  /** How long a worker may drain after the stop request, in milliseconds. Default 10 000; then SIGTERM. */
  readonly drainTimeoutMs?: number;
  /** How long it may take to die of SIGTERM, in milliseconds. Default 3 000; then SIGKILL. */
  readonly termTimeoutMs?: number;
}

/** How a stop went: `forced` is the strongest means that it needed. */
export interface StopResult {
  readonly forced: 'no' | 'SIGTERM' | 'SIGKILL';
  readonly exit: ExitReason;
}

/** A worker that has said it is finished may need so long for Node's own exit, in milliseconds. */
const EXIT_GRACE_MS = 500;
/** What is left of the drain for a worker that did not get ready, in milliseconds. */
const FAILED_START_DRAIN_MS = 1_000;
/** How long the last words of a dead worker may still be on their way, in milliseconds. The kernel has them already. */
const LAST_WORDS_MS = 50;
/** How long a worker whose connection broke may take to be seen dead before it is killed, in milliseconds. */
const BROKEN_MS = 1_000;
/** How long output is read after the exit, for the error of a failed start, in milliseconds. */
const LAST_LINES_MS = 300;

/**
 * The master's side of ONE life of a worker: spawns it, talks to it, ends it. A replacement is a new connection with the same
 * id and a higher generation.
 *
 * Requests under way when the process ends reject at once, with its exit code or signal. `ended` resolves after its last
 * messages were delivered. Whether and when to replace it is its pool's affair.
 */
export class WorkerConnection<C extends Contract = AnyContract> extends WorkerPort<C> {
  public readonly id: number;
  /** The worker's last 200 lines of output, as it printed them, without secrets. */
  public readonly logTail = new LogTail();
  public readonly entrypoint: string;
  public readonly logger: Logger;
  /** Which life of this id it is, from 1; its pool counts. */
  public generation = 1;
  /** Resolves with how the process ended; never rejects. A connection that never started has code and signal null. */
  public readonly ended: Promise<ExitReason>;

  readonly #options: WorkerConnectionOptions;
  readonly #failed: Promise<StartFailure>;
  readonly #ready: Promise<void>;
  readonly #said: Promise<void>;
  readonly #transportClosed: Promise<void>;
  #resolveEnded: (exit: ExitReason) => void = () => undefined;
  #resolveTransportClosed: () => void = () => undefined;
  #drainTimeoutMs: number;
  #state: WorkerState = 'idle';
  #process: WorkerHandle | undefined;
  #record: WorkerRecord | undefined;
  #heardAt = performance.now();
  #vitals: Vitals | undefined;
  #forwarder: LineForwarder | undefined;
  #outputEnded: Promise<unknown> = Promise.resolve();
  #killing: Promise<StopResult> | undefined;

  public constructor(id: number, entrypoint: string | URL, logger: Logger, options: WorkerConnectionOptions = {}) {
    super();
    this.id = id;
    this.entrypoint = String(entrypoint);
    this.logger = logger;
    this.#options = options;
    this.#drainTimeoutMs = options.drainTimeoutMs ?? 10_000;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#transportClosed = new Promise((resolve) => {
      this.#resolveTransportClosed = resolve;
    });
    this.handlers.add(ALIVE, (_worker: this, vitals: Vitals) => this.#onAlive(vitals), false);
    this.handlers.add(LOGGED, (_worker: this, { line }: LoggedLine) => this.#forwarder?.forward(line, 'stdout'), false);
    this.#ready = new Promise((resolve) => this.handlers.add(READY, () => resolve(), true));
    this.#said = new Promise((resolve) => this.handlers.add(STOPPED, () => resolve(), true));
    this.#failed = new Promise((resolve) => {
      this.handlers.add(FAILED, (_worker: this, failure: unknown) => resolve(parseStartFailure(failure)), true);
    });
  }

  public get state(): WorkerState {
    return this.#state;
  }

  /** The process's id; undefined until `connect()`. */
  public get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Those of {@link logTail} for people to read, oldest first. */
  public get logLines(): readonly string[] {
    return this.logTail.lines();
  }

  /** When its event loop was last known to turn, on the clock of `performance.now()`. */
  public get heardAt(): number {
    return this.#heardAt;
  }

  /** How its process was doing then; undefined before the first sign of life. */
  public get vitals(): Vitals | undefined {
    return this.#vitals;
  }

  /** The worker in words, for logs and errors. */
  public override get description(): string {
    return `${this.#kind} ${this.id}${this.pid === undefined ? '' : ` (pid ${this.pid})`}`;
  }

  /**
   * Spawns the worker and waits until it says `ready`. Where it does not, its process is gone when this rejects.
   *
   * @param timeoutMs How long it may take, in milliseconds; see {@link isWaiting} for what does not count.
   * @throws WorkerStartError: SPAWN_FAILED, EXITED_BEFORE_READY, KILLED_BEFORE_READY, START_FAILED, READY_TIMEOUT or
   * STOPPED_BEFORE_READY, with the worker's last log lines.
   */
  public async connect(timeoutMs: number): Promise<void> {
    if (this.#state !== 'idle') throw new Error(`${this.description} was connected before`);
    this.#state = 'starting';
    const release = await this.#spawn();
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<'timeout'>((resolve) => {
      const check = (): void => {
        if (this.isWaiting()) timer = setTimeout(check, timeoutMs);
        else resolve('timeout');
      };
      timer = setTimeout(check, timeoutMs);
    });
    try {
      const first = await Promise.race([this.#ready.then(() => 'ready' as const), this.#failed, this.ended, timedOut]);
      if (first === 'ready' && this.#state === 'starting') this.#state = 'ready';
      else throw await this.#startError(first, timeoutMs);
    } catch (error) {
      // It has had its time, and serves nobody yet.
      this.#drainTimeoutMs = Math.min(this.#drainTimeoutMs, FAILED_START_DRAIN_MS);
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      void this.ended.then(release);
    }
  }

  /**
   * Takes over a worker that an earlier master has spawned and that looks for a new one. It is `ready` at once.
   *
   * @throws WorkerStartError READY_TIMEOUT where it does not come, EXITED_BEFORE_READY where it is gone. Its process is left
   * alone then: `kill` ends it.
   */
  public async attach(record: WorkerRecord, timeoutMs: number): Promise<void> {
    if (this.#state !== 'idle') throw new Error(`${this.description} was connected before`);
    this.#state = 'starting';
    this.generation = record.generation;
    const server = this.#options.server ?? (await IpcServer.acquireShared());
    const child = new AttachedProcess(record.identity);
    this.#process = child;
    this.#record = record;
    this.#outputEnded = this.#forwardOutput(child);
    void child.exited.then((exit) => this.#onExit(exit));
    let came: (isReady: boolean) => void = () => undefined;
    const coming = new Promise<boolean>((resolve) => {
      came = resolve;
    });
    const ticket = server.expect((transport, { ready }) => {
      this.#adopt(transport);
      came(ready);
    }, record.secret);
    void this.ended.then(() => {
      ticket.cancel();
      if (this.#options.server === undefined) void server.release();
    });
    if (!(await within(Promise.race([coming, this.ended]), timeoutMs))) {
      throw new WorkerStartError('READY_TIMEOUT', `${this.description} did not come back within ${timeoutMs} ms`, []);
    }
    // One that was still starting cannot go on: what it had asked of the old master has failed.
    if (this.exit !== undefined || !(await Promise.race([coming, this.ended.then(() => false)]))) {
      throw new WorkerStartError('EXITED_BEFORE_READY', `${this.description} had not been ready before`, []);
    }
    this.#state = 'ready';
    this.#heardAt = performance.now();
  }

  /** Lets go of the worker without ending it: another master takes it over. */
  public detach(): void {
    if (this.#state === 'ended') return;
    this.#killing = Promise.resolve({ forced: 'no', exit: { code: null, signal: null } });
    this.#record = undefined;
    this.#process?.abandon();
    this.#end({ code: null, signal: null });
  }

  /**
   * Ends the worker: stop request, drain deadline, SIGTERM, SIGKILL; resolves when its process is gone. Idempotent: a second
   * call joins the first.
   *
   * @throws KallistiError where even SIGKILL did not end it within 10 s (a process that hangs in the kernel).
   */
  public kill(): Promise<StopResult> {
    this.#killing ??= this.#kill();
    return this.#killing;
  }

  /** Kills the process at once, without asking it. Resolves when it is gone; to its pool that is a crash like any other. */
  public terminate(): Promise<ExitReason> {
    if (this.#state !== 'ended') this.#process?.signal('SIGKILL');
    return this.ended;
  }

  /** Whether the worker's start waits for something that is not its fault; `connect`'s timeout starts anew then. */
  protected isWaiting(): boolean {
    return false;
  }

  get #kind(): string {
    return this.entrypoint.replace(/^.*[\\/]|\.[cm]?[jt]s$/g, '');
  }

  async #spawn(): Promise<() => void> {
    let release = (): void => undefined;
    try {
      const server = this.#options.server ?? (await IpcServer.acquireShared());
      const ticket = server.expect((transport) => this.#adopt(transport));
      release = () => {
        ticket.cancel();
        if (this.#options.server === undefined) void server.release();
      };
      await this.#createProcess(server.path, ticket.secret);
      this.#note(ticket.secret);
      return release;
    } catch (error) {
      this.#end({ code: null, signal: null });
      release();
      const reason = messageOf(error);
      throw new WorkerStartError('SPAWN_FAILED', `${this.description} could not be started: ${reason}`, [], {
        cause: error,
      });
    }
  }

  /** @throws what the system says where there is no process afterwards. */
  async #createProcess(socketPath: string, secret: string): Promise<void> {
    const { id, generation } = this;
    const environment: WorkerEnvironment = { id, kind: this.#kind, generation, socketPath, secret };
    const child = new WorkerProcess({
      file: findEntrypoint(this.entrypoint),
      args: this.#options.args ?? [],
      execArgv: this.#options.execArgv ?? [],
      env: { ...process.env, ...this.#options.env, [WORKER_ENVIRONMENT_VARIABLE]: JSON.stringify(environment) },
    });
    // Rejects: there is no process.
    if (child.pid === undefined) await child.exited;
    this.#process = child;
    this.#outputEnded = this.#forwardOutput(child);
    this.#heardAt = performance.now();
    void child.exited.then((exit) => this.#onExit(exit));
  }

  #note(secret: string): void {
    if (this.#options.registry === undefined || this.pid === undefined) return;
    const { id, generation } = this;
    this.#record = { id, kind: this.#kind, generation, identity: identityOf(this.pid), secret };
    this.#options.registry.add(this.#record);
  }

  #onAlive(vitals: Vitals): void {
    this.#heardAt = performance.now();
    this.#vitals = vitals;
  }

  #forwardOutput(child: WorkerHandle): Promise<unknown> {
    const forwarder = new LineForwarder({
      logger: this.logger,
      bindings: { kind: this.#kind, id: this.id, ...(child.pid === undefined ? {} : { pid: child.pid }) },
      tail: this.logTail,
    });
    this.#forwarder = forwarder;
    return Promise.all([
      child.stdout === null ? undefined : forwarder.attach(child.stdout, 'stdout'),
      child.stderr === null ? undefined : forwarder.attach(child.stderr, 'stderr'),
    ]);
  }

  #adopt(transport: Transport): void {
    const channel = new Channel({
      transport,
      handlers: this.handlers,
      peer: this.description,
      onEventError: (name, error) => this.logger.error({ err: error, message: name }, 'a message handler threw'),
      onOverload: (name, limit) => this.logger.warn({ message: name }, describeOverload(this.description, limit)),
      onClosed: (error) => void this.#onTransportClosed(error),
      observer: this.#options.observer,
    });
    this.channel = channel;
    channel.open();
  }

  /** The connection closes a moment before or after the process ends; where it stays alive, it can serve nobody any more. */
  async #onTransportClosed(error: Error | undefined): Promise<void> {
    this.#resolveTransportClosed();
    if (this.exit !== undefined || this.#killing !== undefined) return;
    if (await within(this.ended, BROKEN_MS)) return;
    this.logger.error({ err: error, worker: this.description }, 'the connection to a worker broke, killing it');
    this.#process?.signal('SIGKILL');
  }

  async #onExit(exit: ExitReason): Promise<void> {
    this.exit = exit;
    // What it sent before it died is in the socket still; it is delivered before requests are rejected.
    if (this.channel !== undefined) await within(this.#transportClosed, LAST_WORDS_MS);
    this.#end(exit);
    await within(this.#outputEnded, LAST_LINES_MS);
    // A grandchild may hold it open, and with it our event loop.
    this.#process?.stdout?.destroy();
    this.#process?.stderr?.destroy();
  }

  #end(exit: ExitReason): void {
    if (this.#state === 'ended') return;
    this.exit = exit;
    this.#state = 'ended';
    if (this.#record !== undefined) this.#options.registry?.remove(this.#record);
    this.channel?.end(exit);
    this.channel?.destroy();
    this.#resolveEnded(exit);
  }

  async #startError(
    first: 'ready' | 'timeout' | StartFailure | ExitReason,
    timeoutMs: number,
  ): Promise<WorkerStartError> {
    if (this.#killing !== undefined || first === 'ready') {
      return new WorkerStartError(
        'STOPPED_BEFORE_READY',
        `${this.description} was told to stop before it was ready`,
        [],
      );
    }
    if (first === 'timeout') {
      const message = `${this.description} was not ready within ${timeoutMs} ms`;
      return new WorkerStartError('READY_TIMEOUT', message, this.logLines);
    }
    if ('message' in first) {
      const cause = new RemoteError(first, this.description);
      return new WorkerStartError('START_FAILED', `${this.description} failed to start: ${first.message}`, [], {
        cause,
      });
    }
    await within(this.#outputEnded, LAST_LINES_MS);
    const message = `${this.description} ${describeExit(first)} before it was ready`;
    const code = first.signal === null ? 'EXITED_BEFORE_READY' : 'KILLED_BEFORE_READY';
    return new WorkerStartError(code, message, this.logLines);
  }

  async #kill(): Promise<StopResult> {
    const child = this.#process;
    if (this.#state === 'ended' || child === undefined) {
      if (this.#state !== 'ended') this.#end({ code: null, signal: null });
      return { forced: 'no', exit: await this.ended };
    }
    this.#state = 'stopping';
    if (await this.#drain()) return { forced: 'no', exit: await this.ended };
    child.signal('SIGTERM');
    const { termTimeoutMs = 3_000 } = this.#options;
    if (await within(this.ended, termTimeoutMs)) return { forced: 'SIGTERM', exit: await this.ended };
    this.logger.warn(
      { worker: this.description },
      `SIGTERM did not end a worker within ${termTimeoutMs} ms, killing it`,
    );
    child.signal('SIGKILL');
    if (await within(this.ended, 10_000)) return { forced: 'SIGKILL', exit: await this.ended };
    throw new KallistiError('REQUEST_TIMEOUT', `${this.description} could not be killed`);
  }

  /** Asks the worker to stop. @returns whether it has ended by itself in time. */
  async #drain(): Promise<boolean> {
    const channel = this.channel;
    if (channel === undefined || channel.closed) return within(this.ended, 0);
    channel.send(STOP, undefined);
    const drainTimeoutMs = this.#drainTimeoutMs;
    const drained = await within(Promise.race([this.#said, this.#transportClosed, this.ended]), drainTimeoutMs);
    if (drained) return within(this.ended, EXIT_GRACE_MS);
    this.logger.warn({ worker: this.description }, `a worker did not stop within ${drainTimeoutMs} ms, terminating it`);
    return false;
  }
}
