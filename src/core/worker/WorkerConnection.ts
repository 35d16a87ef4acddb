import { type ExitReason, WorkerStartError } from '../errors.js';
import type { AnyContract, Contract } from '../ipc/contract.js';
import type { Transport } from '../ipc/Transport.js';
import { LogTail } from '../log/LogTail.js';
import type { Logger } from '../log/logger.js';
import { messageOf } from '../text/messageOf.js';
import { type Clock, systemClock } from '../time/clock.js';
import { within } from '../time/within.js';
import type { Vitals } from './controlMessages.js';
import { LocalHost } from './LocalHost.js';
import { type StopResult, stopWorker } from './stopWorker.js';
import { stoppedBeforeReady, untilReady } from './untilReady.js';
import type { WorkerConnectionOptions } from './WorkerConnectionOptions.js';
import type { OnConnected, WorkerHost, WorkerProcess } from './WorkerHost.js';
import { WorkerOutput } from './WorkerOutput.js';
import { WorkerPort } from './WorkerPort.js';
import type { WorkerRecord } from './WorkerRegistry.js';
import { WorkerReports } from './WorkerReports.js';

/** `idle` until `connect()`; `ended` when its process is gone, and nothing leads out of that. */
export type WorkerState = 'idle' | 'starting' | 'ready' | 'stopping' | 'ended';

/** What a worker that did not get ready may still drain, in milliseconds: it has had its time, and serves nobody. */
const FAILED_START_DRAIN_MS = 1_000;
/** How long the last words of a dead worker may still be on their way, in milliseconds. The kernel has them already. */
const LAST_WORDS_MS = 50;
/** How long a process may live on without its connection before it is killed, in milliseconds. */
const BROKEN_MS = 1_000;
/** How a process ended that never was, or of which this master does not know. */
const UNKNOWN_EXIT: ExitReason = { code: null, signal: null };

/**
 * The master's side of ONE life of a worker: starts it, talks to it, ends it. A replacement is a new connection with the same
 * id and a higher generation.
 *
 * Requests under way when the process ends reject at once, with its exit code or signal. `ended` resolves after its last
 * messages were delivered. A `WorkerHost` makes the process. Whether and when to replace the worker is its pool's affair.
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

  readonly #kind: string;
  readonly #options: WorkerConnectionOptions;
  readonly #host: WorkerHost;
  readonly #clock: Clock;
  readonly #reports: WorkerReports;
  #resolveEnded: (exit: ExitReason) => void = () => undefined;
  #drainTimeoutMs: number;
  #state: WorkerState = 'idle';
  /** The host makes or looks for the process. A stop waits for it: nothing could be stopped before, and all would be lost. */
  #placing: Promise<unknown> | undefined;
  #process: WorkerProcess | undefined;
  #record: WorkerRecord | undefined;
  #output: WorkerOutput | undefined;
  #killing: Promise<StopResult> | undefined;

  public constructor(id: number, entrypoint: string | URL, logger: Logger, options: WorkerConnectionOptions = {}) {
    super();
    this.id = id;
    this.entrypoint = String(entrypoint);
    this.logger = logger;
    this.#kind = this.entrypoint.replace(/^.*[\\/]|\.[cm]?[jt]s$/g, '');
    this.#options = options;
    this.#host = options.host ?? new LocalHost();
    this.#clock = options.clock ?? systemClock;
    this.#drainTimeoutMs = options.drainTimeoutMs ?? 10_000;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#reports = new WorkerReports(this.handlers, this.#clock, (line) => this.#output?.forward(line));
  }

  public get state(): WorkerState {
    return this.#state;
  }

  /** The process's id; undefined until `connect()` has made it. */
  public get pid(): number | undefined {
    return this.#process?.identity.pid;
  }

  /** Those of {@link logTail} for people to read, oldest first. */
  public get logLines(): readonly string[] {
    return this.logTail.lines();
  }

  /** When its event loop was last known to turn, on the clock of `performance.now()`. */
  public get heardAt(): number {
    return this.#reports.heardAt;
  }

  /** How its process was doing then; undefined before the first sign of life. */
  public get vitals(): Vitals | undefined {
    return this.#reports.vitals;
  }

  /** The worker in words, for logs and errors. */
  public override get description(): string {
    const name = this.#options.isSpare === true ? `spare ${this.#kind}` : `${this.#kind} ${this.id}`;
    return `${name}${this.pid === undefined ? '' : ` (pid ${this.pid})`}`;
  }

  /**
   * Starts the worker and waits until it says `ready`. Where it does not, its process is gone when this rejects.
   *
   * @param timeoutMs How long it may take, in milliseconds; see {@link isWaiting} for what does not count.
   * @throws WorkerStartError: SPAWN_FAILED, EXITED_BEFORE_READY, KILLED_BEFORE_READY, START_FAILED, READY_TIMEOUT or
   * STOPPED_BEFORE_READY, with the worker's last log lines.
   */
  public async connect(timeoutMs: number): Promise<void> {
    this.#begin();
    const { id, generation, entrypoint } = this;
    const { args = [], execArgv = [], env = {}, registry, isSpare } = this.#options;
    const launch = { id, kind: this.#kind, generation, entrypoint, args, execArgv, env, isSpare };
    const child = await this.#place(this.#host.spawn(launch, (transport) => this.#listen(transport)));
    if (this.#state === 'ended') {
      // Let go of while the host made it: no other master knows of this process.
      child.signal('SIGKILL');
      throw stoppedBeforeReady(this.description);
    }
    if (registry !== undefined) {
      this.#record = { id, kind: this.#kind, generation, identity: child.identity, secret: child.secret };
      registry.add(this.#record);
    }
    try {
      await untilReady({
        description: this.description,
        reports: this.#reports,
        ended: this.ended,
        timeoutMs,
        isWaiting: () => this.isWaiting(),
        isStopping: () => this.#killing !== undefined,
        logLines: () => this.logLines,
        outputRead: async () => this.#output?.finish(),
        clock: this.#clock,
      });
      // It may be dead already: `ended` says so.
      if (this.#state === 'starting') this.#state = 'ready';
    } catch (error) {
      this.#drainTimeoutMs = Math.min(this.#drainTimeoutMs, FAILED_START_DRAIN_MS);
      await this.kill();
      throw error;
    }
  }

  /**
   * Takes over a worker that an earlier master has spawned and that looks for a new one. It is `ready` at once.
   *
   * @param timeoutMs How long it may take to call back, in milliseconds.
   * @throws WorkerStartError READY_TIMEOUT where it does not come, EXITED_BEFORE_READY where it is gone or was not ready,
   * STOPPED_BEFORE_READY, SPAWN_FAILED where it could not call back. Its process is left alone then: `kill` ends it.
   */
  public async attach(record: WorkerRecord, timeoutMs: number): Promise<void> {
    this.#begin();
    this.generation = record.generation;
    this.#record = record;
    let resolveConnected: (wasReady: boolean) => void = () => undefined;
    const connected = new Promise<boolean>((resolve) => {
      resolveConnected = resolve;
    });
    const onConnected: OnConnected = (transport, wasReady) => {
      this.#listen(transport);
      resolveConnected(wasReady);
    };
    await this.#place(this.#host.attach(record, onConnected));
    const outcome = Promise.race([connected, this.ended.then(() => false)]);
    if (!(await within(outcome, timeoutMs, this.#clock))) {
      throw new WorkerStartError('READY_TIMEOUT', `${this.description} did not come back within ${timeoutMs} ms`, []);
    }
    if (this.#killing !== undefined) throw stoppedBeforeReady(this.description);
    // One that was still starting cannot go on: what it had asked of the old master has failed.
    if (!(await outcome) || this.exit !== undefined) {
      const why = this.exit === undefined ? 'had not been ready before' : 'ended before it came back';
      throw new WorkerStartError('EXITED_BEFORE_READY', `${this.description} ${why}`, []);
    }
    this.#state = 'ready';
    this.#reports.heardAt = this.#clock.now();
  }

  /** Lets go of the worker without ending it: another master takes it over. */
  public detach(): void {
    if (this.#state === 'ended') return;
    this.#killing = Promise.resolve({ forced: 'no', exit: UNKNOWN_EXIT });
    // It stays in the registry, for that master.
    this.#record = undefined;
    this.#end(UNKNOWN_EXIT);
  }

  /**
   * Gives the worker's process to another connection, which it has called by now.
   *
   * @returns undefined where the process has ended, or is being stopped.
   */
  public surrender(): WorkerProcess | undefined {
    const child = this.#process;
    if (child === undefined || this.#state === 'ended' || this.#killing !== undefined) return undefined;
    this.#killing = Promise.resolve({ forced: 'no', exit: UNKNOWN_EXIT });
    this.#output?.detach();
    this.#output = undefined;
    this.#end(UNKNOWN_EXIT);
    return child;
  }

  /**
   * Ends the worker: stop request, drain deadline, SIGTERM, SIGKILL; resolves when its process is gone. Idempotent: a second
   * call joins the first.
   *
   * @throws KallistiError KILL_FAILED where even SIGKILL did not end it within 10 s (a process that hangs in the kernel).
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

  #begin(): void {
    if (this.#state !== 'idle') throw new Error(`${this.description} was connected before`);
    this.#state = 'starting';
  }

  /** @throws WorkerStartError SPAWN_FAILED where the host has no process for this worker. */
  async #place(placing: Promise<WorkerProcess>): Promise<WorkerProcess> {
    this.#placing = placing.catch(() => undefined);
    try {
      const child = await placing;
      this.#process = child;
      if (this.#state === 'ended') {
        child.release();
        return child;
      }
      this.#reports.heardAt = this.#clock.now();
      const who = this.#options.isSpare === true ? { kind: `spare ${this.#kind}` } : { kind: this.#kind, id: this.id };
      const bindings = { ...who, pid: child.identity.pid };
      this.#output = new WorkerOutput(child, bindings, this.logger, this.logTail, this.#clock);
      void child.exited.then((exit) => this.#onExit(exit));
      return child;
    } catch (error) {
      this.#end(UNKNOWN_EXIT);
      const message = `${this.description} could not be started: ${messageOf(error)}`;
      throw new WorkerStartError('SPAWN_FAILED', message, [], { cause: error });
    } finally {
      this.#placing = undefined;
    }
  }

  #listen(transport: Transport): void {
    this.open(transport, this.logger, this.#options.observer);
    void this.disconnected.then((error) => this.#onDisconnected(error));
  }

  /** The connection closes a moment before or after the process ends; where it stays alive, it can serve nobody any more. */
  async #onDisconnected(error: Error | undefined): Promise<void> {
    if (this.exit !== undefined || this.#killing !== undefined) return;
    if (await within(this.ended, BROKEN_MS, this.#clock)) return;
    this.logger.error({ err: error, worker: this.description }, 'the connection to a worker broke, killing it');
    this.#process?.signal('SIGKILL');
  }

  async #onExit(exit: ExitReason): Promise<void> {
    this.exit = exit;
    // What it sent before it died is in the socket still; it is delivered before requests are rejected.
    if (this.channel !== undefined) await within(this.disconnected, LAST_WORDS_MS, this.#clock);
    this.#end(exit);
    await this.#output?.finish();
  }

  #end(exit: ExitReason): void {
    if (this.#state === 'ended') return;
    this.exit = exit;
    this.#state = 'ended';
    if (this.#record !== undefined) this.#options.registry?.remove(this.#record);
    this.channel?.end(exit);
    this.channel?.destroy();
    this.#process?.release();
    this.#resolveEnded(exit);
  }

  async #kill(): Promise<StopResult> {
    if (this.#placing !== undefined) await this.#placing;
    const child = this.#process;
    if (this.#state === 'ended' || child === undefined) {
      this.#end(UNKNOWN_EXIT);
      return { forced: 'no', exit: await this.ended };
    }
    this.#state = 'stopping';
    const { channel, disconnected } = this;
    return stopWorker({
      description: this.description,
      ended: this.ended,
      channel: channel?.closed === false ? channel : undefined,
      finished: Promise.race([this.#reports.stopped, disconnected]),
      signal: (signal) => child.signal(signal),
      drainTimeoutMs: this.#drainTimeoutMs,
      termTimeoutMs: this.#options.termTimeoutMs ?? 3_000,
      clock: this.#clock,
      logger: this.logger,
    });
  }
}
