import type { Logger } from '../log/logger.js';
import { type Clock, systemClock, type Timer } from '../time/clock.js';
import { BaseService } from './BaseService.js';

export interface IntervalServiceOptions {
  readonly intervalMs: number;
  /** Whether the service runs for the first time at its start. Default false: it runs one interval later. */
  readonly immediate?: boolean;
  /** Default: the clock of the system. */
  readonly clock?: Clock;
}

/**
 * A service that calls `execute` again and again. An interval begins when a run has ended, so two runs never overlap. The service
 * logs what `execute` throws, and goes on.
 */
export abstract class IntervalService extends BaseService {
  readonly #options: IntervalServiceOptions;
  protected readonly logger: Logger;
  protected readonly clock: Clock;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #started = false;

  public constructor(options: IntervalServiceOptions, logger: Logger) {
    super();
    this.#options = options;
    this.logger = logger;
    this.clock = options.clock ?? systemClock;
  }

  public start(): void {
    if (this.#started) return;
    this.#started = true;
    if (this.#options.immediate === true) this.#run();
    else this.#schedule();
  }

  /** Starts no further run. Resolves when the run that is under way has ended. */
  public async stop(): Promise<void> {
    this.#started = false;
    this.#timer?.cancel();
    await this.#running;
  }

  protected abstract execute(): void | Promise<void>;

  #schedule(): void {
    this.#timer = this.clock.setTimeout(() => this.#run(), this.#options.intervalMs);
  }

  #run(): void {
    this.#running = (async () => {
      try {
        await this.execute();
      } catch (error) {
        this.logger.error({ err: error, service: this.name }, 'an interval service threw');
      }
      if (this.#started) this.#schedule();
    })();
  }
}
