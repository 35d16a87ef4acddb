import type { Logger } from '../log/logger.js';
import { type Clock, systemClock, type Timer } from '../time/clock.js';
import { BaseService } from './BaseService.js';

export interface IntervalServiceOptions {
  readonly intervalMs: number;
  /** Whether the first run is at once. Default false: one interval after the start. */
  readonly immediate?: boolean;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Runs `execute` again and again: the next run is one interval after the last has ended, so that runs never overlap. What it
 * throws is logged and does not end it.
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

  /** Resolves when a run that is under way has ended. */
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
