import type { Logger } from '../../core/log/logger.js';
import type { Clock } from '../../core/time/clock.js';
import type { Master } from '../Master.js';
import { Succession, UPGRADE_EXIT_CODE } from './Succession.js';
import type { Predecessor, Successor } from './Successor.js';

type RunnableMaster = Pick<Master, 'refused' | 'start' | 'stop'>;

export interface MasterRunOptions {
  readonly createMaster: (how: { readonly rollsAfterTakeOver: boolean }) => RunnableMaster;
  readonly spawnSuccessor: () => Successor;
  readonly predecessor: Pick<Predecessor, 'waits' | 'tellServing'>;
  /** How long a new master may take until it serves, in milliseconds. */
  readonly startTimeoutMs: number;
  /** Ends the process. Called once, with the error where there is one. */
  readonly onEnd: (exitCode: number, error?: unknown) => void;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/**
 * The life of a master's process: its master serves, is upgraded, ends.
 *
 * An upgrade lets go of the clusters and starts a new master from the code on disk, which takes them over. This process stays
 * behind the new one (see {@link Succession}) and ends as that ends. Where the new master does not come up, one of this process
 * takes the clusters back. A process that was itself started by an upgrade asks the one behind it to start the next master.
 *
 * A stop is never lost: one that comes in the middle of an upgrade ends the clusters, whichever process has them then.
 */
export class MasterRun {
  readonly #options: MasterRunOptions;
  #state: 'serving' | 'upgrading' | 'ending' = 'serving';
  #mustStop = false;
  /** Whether an older process waits to hear that this master serves. It takes the clusters back where that does not come. */
  #isAwaited = false;
  #master: RunnableMaster | undefined;
  #succession: Succession | undefined;
  /** The end or the upgrade that is under way. */
  #leaving: Promise<void> = Promise.resolve();

  public constructor(options: MasterRunOptions) {
    this.#options = options;
  }

  /** Resolves when the master serves. Where it fails or is stopped before, the process ends before this resolves. */
  public async start(): Promise<void> {
    const { predecessor } = this.#options;
    this.#isAwaited = predecessor.waits;
    await this.#serve(this.#isAwaited);
    if (this.#state === 'serving') {
      this.#isAwaited = false;
      predecessor.tellServing();
    }
    await this.#leaving;
  }

  /**
   * Ends the bot in order. Only the first call counts.
   *
   * @param signal what asked for it. A successor gets the same signal.
   */
  public stop(signal: NodeJS.Signals): void {
    if (this.#state === 'upgrading') this.#succession?.signal(signal);
    if (this.#mustStop || this.#state === 'ending') return;
    this.#mustStop = true;
    this.#options.logger.info(`${signal}: stopping`);
    if (this.#state === 'serving') this.#leaving = this.#end(0);
  }

  /** Upgrades the bot to the code on disk. Does nothing where the bot ends. */
  public upgrade(): void {
    // Without a succession nothing has been read from the disk yet: the upgrade under way will read what is there now.
    if (this.#state === 'upgrading') this.#succession?.signal('SIGUSR2');
    if (this.#state !== 'serving') return;
    this.#options.logger.info('SIGUSR2: upgrading to the code on disk');
    this.#state = 'upgrading';
    this.#leaving = this.#upgrade();
  }

  async #serve(rollsAfterTakeOver: boolean): Promise<void> {
    const master = this.#options.createMaster({ rollsAfterTakeOver });
    this.#master = master;
    const fail = (error: unknown): void => {
      // A master that is stopped while it starts fails. That is no error.
      if (this.#state === 'serving' && !this.#mustStop) this.#leaving = this.#end(1, error, this.#isAwaited);
    };
    void master.refused.then(fail);
    await master.start().catch(fail);
  }

  async #end(exitCode: number, error?: unknown, keepClusters = false): Promise<void> {
    this.#state = 'ending';
    await this.#master?.stop({ keepClusters });
    this.#options.onEnd(exitCode, error);
  }

  async #upgrade(): Promise<void> {
    const { predecessor, onEnd, logger } = this.#options;
    await this.#master?.stop({ keepClusters: true });
    if (!this.#mustStop) {
      if (predecessor.waits) {
        this.#state = 'ending';
        return onEnd(UPGRADE_EXIT_CODE);
      }
      const { spawnSuccessor: spawn, startTimeoutMs, clock } = this.#options;
      this.#succession = new Succession({ spawn, startTimeoutMs, ...(clock === undefined ? {} : { clock }) });
      const outcome = await this.#succession.run();
      this.#succession = undefined;
      if ('exitCode' in outcome) {
        this.#state = 'ending';
        return onEnd(outcome.exitCode);
      }
      const whatNow = this.#mustStop ? 'its clusters are stopped' : 'the old one goes on';
      logger.error(`the new master did not start (${outcome.failure}); ${whatNow}`);
    }
    this.#state = 'serving';
    const serving = this.#serve(false);
    // A master that is stopped while it starts takes over the clusters that still serve, and ends them.
    if (this.#mustStop) await this.#end(0);
    await serving;
  }
}
