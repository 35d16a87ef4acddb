import type { SpareStatus } from '../../core/contracts/AdminApi.js';
import type { Logger } from '../../core/log/logger.js';
import { IntervalService } from '../../core/services/IntervalService.js';
import { messageOf } from '../../core/text/messageOf.js';
import { Backoff } from '../../core/time/backoff.js';
import type { Clock } from '../../core/time/clock.js';
import { within } from '../../core/time/within.js';
import { ASSIGN, type Assignment } from '../../core/worker/controlMessages.js';
import type { WorkerConnection } from '../../core/worker/WorkerConnection.js';
import type { OnConnected, SpareHost, WorkerHost, WorkerLaunch, WorkerProcess } from '../../core/worker/WorkerHost.js';
import type { WorkerRecord } from '../../core/worker/WorkerRegistry.js';

/** What is needed of one spare. Every `WorkerConnection` has it. */
export type Spare = Pick<
  WorkerConnection,
  | 'state'
  | 'pid'
  | 'description'
  | 'heardAt'
  | 'vitals'
  | 'ended'
  | 'connect'
  | 'send'
  | 'surrender'
  | 'kill'
  | 'terminate'
>;

/** What the machine has, and what a cluster takes. */
export interface MemoryFacts {
  readonly availableBytes: number;
  /** Of the largest cluster that runs. Undefined where none has said yet. */
  readonly clusterBytes: number | undefined;
}

export interface SpareClustersOptions {
  /** How many. `auto`: one where there is memory for it. */
  readonly count: number | 'auto';
  /** Where clusters run that get no spare. */
  readonly host: SpareHost;
  readonly createSpare: () => Spare;
  /** Whether every cluster is up, or fails for good: nothing that matters more needs the processor. */
  readonly isSteady: () => boolean;
  readonly memory: () => MemoryFacts;
  /** What tells the program on disk from another one. */
  readonly programOnDisk: () => string;
  /** How long a spare may take to load, in milliseconds. */
  readonly spawnTimeoutMs: number;
  readonly logger: Logger;
  /** Default: the system's. It must be the clock of the spares' `heardAt`. */
  readonly clock?: Clock;
}

const INTERVAL_MS = 250;
/** How long all clusters must have been up before a spare is made, in milliseconds. */
const SETTLE_MS = 250;
/** How long a spare that is given a cluster may take to call back, in milliseconds. It has nothing else to do. */
const ANSWER_TIMEOUT_MS = 1_000;
/** A spare that has waited for so long is sound: the next failure is no repetition, in milliseconds. */
const SOUND_WAIT_MS = 60_000;
/** With `auto`, a spare is made where as much memory is left as so many clusters take. One is the successor in a handover. */
const ROOM_TO_MAKE = 2;
/** It is given up where less is left than so many take. */
const ROOM_TO_KEEP = 1;

/**
 * Keeps processes that have loaded the bot's program and wait: spares. A cluster that is started gets one, if there is one, and
 * so does not wait for Node and its modules. To the pool of the clusters this is a host like any other.
 *
 * - A spare is made when all clusters are up, so that it competes with no start that matters.
 * - A planned restart begins with {@link renew}: it runs the program that is on disk then, and no spare that is older. While it
 *   rolls, the spares for its next steps are made in parallel with the present one.
 * - Any other start may get a spare of the program that the clusters run. Where the program on disk has changed since, no new
 *   spare is made until the next planned restart: the disk may hold half a deploy.
 * - A spare that ends, hangs or does not load costs no cluster anything. The next one is made after a growing pause.
 * - A spare that does not answer when it is given a cluster is killed. The cluster gets a new process then.
 */
export class SpareClusters extends IntervalService implements WorkerHost {
  readonly #options: SpareClustersOptions;
  /** Those that load or wait, oldest first. */
  readonly #spares = new Set<Spare>();
  /** The spares that load, by when they are done. */
  readonly #loading = new Map<Spare, Promise<void>>();
  /** Those that are about to become a cluster. */
  readonly #taken = new Set<Spare>();
  /** Those that are told to end. */
  readonly #ending = new Set<Promise<unknown>>();
  readonly #backoff = new Backoff({ firstDelayMs: 1_000, baseDelayMs: 5_000, maxDelayMs: 600_000 });
  /** The program that the clusters run, as far as the disk tells. */
  #program = '';
  #retryAt = Number.NEGATIVE_INFINITY;
  #steadySince: number | undefined;
  /** How many steps of the planned restart are still to begin. Undefined: none rolls. */
  #stepsLeft: number | undefined;
  #isStopped = false;
  #saidWhyNot: string | undefined;

  public constructor(options: SpareClustersOptions) {
    super(
      { intervalMs: INTERVAL_MS, ...(options.clock === undefined ? {} : { clock: options.clock }) },
      options.logger,
    );
    this.#options = options;
  }

  public get status(): SpareStatus {
    const waiting = [...this.#spares].filter(({ state }) => state === 'ready');
    return {
      wanted: this.#wanted(),
      ready: waiting.length,
      loading: this.#loading.size,
      rssBytes: waiting.reduce((sum, { vitals }) => sum + (vitals?.rssBytes ?? 0), 0),
    };
  }

  /** Those that load or wait. */
  public get alive(): readonly Spare[] {
    return [...this.#spares];
  }

  /** The event loop of a spare has not turned for too long. */
  public reportHung(spare: Spare, silentMs: number): void {
    this.logger.warn(`${spare.description} hangs: its event loop has not turned for ${Math.round(silentMs)} ms`);
    void spare.terminate();
  }

  /** The heap of a spare is nearly full: its program has a leak that runs without any event. */
  public reportMemory(spare: Spare, detail: string): void {
    this.logger.warn(`${spare.description} ends: ${detail}`);
    void spare.terminate();
  }

  public override start(): void {
    this.#program = this.#options.programOnDisk();
    super.start();
  }

  /** Ends all spares, and makes none any more. Resolves when no process of theirs is left. */
  public override async stop(): Promise<void> {
    this.#isStopped = true;
    for (const spare of [...this.#spares, ...this.#taken]) this.#discard(spare);
    await super.stop();
    await Promise.all(this.#ending);
  }

  /** A planned restart begins: the clusters get the program that is on disk now. Spares of an older one are ended. */
  public renew(steps: number): void {
    this.#program = this.#options.programOnDisk();
    // What failed before may be right in the new program.
    this.#backoff.reset();
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.#stepsLeft = steps;
    for (const spare of [...this.#spares]) this.#discard(spare);
  }

  /** A step of it begins. Spares for the steps after it are made meanwhile. */
  public beginStep(): void {
    if (this.#stepsLeft !== undefined) this.#stepsLeft--;
    this.#fill();
  }

  /** The planned restart has ended. */
  public endRoll(): void {
    this.#stepsLeft = undefined;
    this.#steadySince = undefined;
  }

  public attach(record: WorkerRecord, onConnected: OnConnected): Promise<WorkerProcess> {
    return this.#options.host.attach(record, onConnected);
  }

  public async spawn(launch: WorkerLaunch, onConnected: OnConnected): Promise<WorkerProcess> {
    this.#steadySince = undefined;
    const spare = this.#take();
    if (spare !== undefined) {
      this.#taken.add(spare);
      const process = await this.#assign(spare, launch, onConnected).finally(() => this.#taken.delete(spare));
      this.#fill();
      // Only one is tried: where a program does not load, each further spare would fail like the first.
      if (process !== undefined) return process;
    }
    // Whoever stops ends the clusters that he knows of. This one would be left behind.
    if (this.#isStopped) throw new Error('the master stops');
    return this.#options.host.spawn(launch, onConnected);
  }

  protected override execute(): void {
    if (!this.#options.isSteady()) this.#steadySince = undefined;
    else this.#steadySince ??= this.clock.now();
    if (this.#isShortOfMemory(ROOM_TO_KEEP)) {
      for (const spare of [...this.#spares]) {
        this.logger.info({ workerPid: spare.pid }, `${spare.description} ends: the machine needs its memory`);
        this.#discard(spare);
      }
    }
    this.#fill();
  }

  /** Oldest first: one that waits comes before one that loads. */
  #take(): Spare | undefined {
    const [spare] = this.#spares;
    if (spare !== undefined) this.#spares.delete(spare);
    return spare;
  }

  /** @returns undefined where the spare cannot become a cluster. It is ended then. */
  async #assign(spare: Spare, { id, generation }: WorkerLaunch, onConnected: OnConnected) {
    const { host, logger } = this.#options;
    await this.#loading.get(spare);
    if (spare.state !== 'ready') return undefined;
    let resolveAnswered: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => {
      resolveAnswered = resolve;
    });
    const line = await host.openLine((transport, wasReady) => {
      onConnected(transport, wasReady);
      resolveAnswered();
    });
    const { secret } = line;
    const facts = { cluster: id, workerPid: spare.pid };
    let answers = false;
    try {
      spare.send(ASSIGN, { id, generation, secret } satisfies Assignment);
      answers = await within(Promise.race([answered, spare.ended]), ANSWER_TIMEOUT_MS, this.clock);
    } catch (error) {
      logger.debug({ ...facts, err: error }, `${spare.description} could not be told`);
    }
    const process = answers ? spare.surrender() : undefined;
    if (process === undefined) {
      line.close();
      logger.warn(facts, `${spare.description} does not become cluster ${id}, which gets a new process`);
      this.#end(spare.terminate());
      return undefined;
    }
    this.#backoff.reset();
    logger.info(facts, `cluster ${id} goes on in the spare process`);
    return {
      ...{ identity: process.identity, secret, exited: process.exited },
      ...{ stdout: process.stdout, stderr: process.stderr },
      signal: (signal: NodeJS.Signals) => process.signal(signal),
      release: () => {
        process.release();
        line.close();
      },
    };
  }

  /** Begins to make the next spare, if one is missing and may be made now. */
  #fill(): void {
    if (this.#isStopped || this.#loading.size > 0 || this.#spares.size >= this.#wanted()) return;
    const now = this.clock.now();
    if (now < this.#retryAt) return;
    const isRolling = this.#stepsLeft !== undefined;
    if (!isRolling && (this.#steadySince === undefined || now - this.#steadySince < SETTLE_MS)) return;
    const whyNot = this.#whyNot();
    if (whyNot === undefined) this.#make();
    else if (whyNot !== this.#saidWhyNot) this.logger.info(`no spare process is made: ${whyNot}`);
    this.#saidWhyNot = whyNot;
  }

  #whyNot(): string | undefined {
    if (this.#options.programOnDisk() !== this.#program) {
      return "the clusters' program has changed on disk; a restart or an upgrade will run it";
    }
    return this.#isShortOfMemory(ROOM_TO_MAKE) ? 'the machine has too little memory left' : undefined;
  }

  #make(): void {
    const spare = this.#options.createSpare();
    const startedAt = this.clock.now();
    this.#spares.add(spare);
    const loaded = this.#load(spare, startedAt).finally(() => {
      this.#loading.delete(spare);
      this.#fill();
    });
    this.#loading.set(spare, loaded);
  }

  async #load(spare: Spare, startedAt: number): Promise<void> {
    try {
      await spare.connect(this.#options.spawnTimeoutMs);
    } catch (error) {
      const isMissed = this.#spares.delete(spare) || (this.#taken.has(spare) && !this.#isStopped);
      if (isMissed) this.#pause(startedAt, `no spare process could be made: ${messageOf(error)}`, error);
      return;
    }
    // A deploy may have begun meanwhile: nobody knows what of it was loaded.
    if (this.#options.programOnDisk() !== this.#program) {
      this.#discard(spare);
      return;
    }
    const facts = { workerPid: spare.pid, afterMs: Math.round(this.clock.now() - startedAt) };
    this.logger.info(facts, `${spare.description} waits`);
    void spare.ended.then(() => {
      // One that was taken or is told to end is not among them any more.
      if (this.#spares.delete(spare)) this.#pause(startedAt, `${spare.description} ended while it waited`);
    });
  }

  /** A spare has failed: the next one is made later. */
  #pause(startedAt: number, message: string, error?: unknown): void {
    if (this.clock.now() - startedAt >= SOUND_WAIT_MS) this.#backoff.reset();
    const delayMs = this.#backoff.nextDelayMs();
    this.#retryAt = this.clock.now() + delayMs;
    const facts = error === undefined ? { delayMs } : { delayMs, err: error };
    this.logger.warn(facts, `${message}; the next is made in ${Math.round(delayMs / 1_000)} s`);
  }

  #discard(spare: Spare): void {
    this.#spares.delete(spare);
    this.#end(spare.kill());
  }

  #end(ending: Promise<unknown>): void {
    const ended = ending
      .catch((error: unknown) => this.logger.error({ err: error }, 'a spare process could not be ended'))
      .finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #wanted(): number {
    const { count } = this.#options;
    const most = count === 'auto' ? 1 : count;
    return this.#stepsLeft === undefined ? most : Math.min(most, this.#stepsLeft);
  }

  #isShortOfMemory(clusters: number): boolean {
    if (this.#options.count !== 'auto') return false;
    const { availableBytes, clusterBytes } = this.#options.memory();
    return availableBytes < clusters * (clusterBytes ?? 0);
  }
}
