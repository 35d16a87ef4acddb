import type { Logger } from '../log/logger.js';
import { BaseService } from './BaseService.js';

export interface IntervalServiceOptions {
  readonly intervalMs: number;
  /** Whether the first run is at once. Default false: one interval after the start. */
  readonly immediate?: boolean;
}

/**
 * Runs `execute` again and again: the next run is one interval after the last has ended, so that runs never overlap. What it
 * throws is logged and does not end it.
 */
export abstract class IntervalService extends BaseService {
  readonly #options: IntervalServiceOptions;
  protected readonly logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #started = false;

  public constructor(options: IntervalServiceOptions, logger: Logger) {
    super();
    this.#options = options;
    this.logger = logger;
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
    clearTimeout(this.#timer);
    await this.#running;
  }

  protected abstract execute(): void | Promise<void>;

  #schedule(): void {
    this.#timer = setTimeout(() => this.#run(), this.#options.intervalMs);
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
