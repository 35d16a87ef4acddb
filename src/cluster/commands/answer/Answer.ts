import type { ProgressTarget } from '../../../core/contracts/ClusterContract.js';
import { cutMessage } from '../text/messageText.js';
import { isGone } from './discordRest.js';

export interface AnswerOptions {
  /** Takes secrets out; applied to every text that leaves. */
  readonly scrub: (text: string) => string;
  readonly debug: (details: object, message: string) => void;
}

/**
 * The one answer to a command. Keeps its calls in order (an automatic deferral and the answer may come at the same moment, and
 * Discord takes one acknowledgement only), and turns whatever is said after the first into an edit.
 * An answer that comes too late for Discord is dropped with a debug line: nobody is there to be told.
 */
export abstract class Answer {
  #state: 'open' | 'deferred' | 'sent' | 'gone' = 'open';
  #tail: Promise<void> = Promise.resolve();
  #answeredAt: number | undefined;
  #failure: unknown;

  protected constructor(protected readonly options: AnswerOptions) {}

  /** When Discord acknowledged the answer (not a deferral), on the clock of `performance.now()`. */
  public get answeredAt(): number | undefined {
    return this.#answeredAt;
  }

  /** Whether the user has been left without an answer that could still be given. */
  public get isMissing(): boolean {
    return this.#state === 'open' || this.#state === 'deferred';
  }

  /** What the last call that failed was rejected with; tells a failure to answer from one of the command itself. */
  public get failure(): unknown {
    return this.#failure;
  }

  public abstract progressTarget(): ProgressTarget;

  public reply(text: string): Promise<void> {
    return this.#enqueue(async () => {
      const content = this.#outgoing(text);
      await (this.#state === 'open' ? this.create(content) : this.update(content));
      this.#sent();
    });
  }

  public replyPrivately(text: string): Promise<void> {
    return this.#enqueue(async () => {
      await this.createPrivately(this.#outgoing(text), this.#state !== 'open');
      this.#sent();
    });
  }

  public defer(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#state !== 'open') return;
      await this.createDeferred();
      this.#state = 'deferred';
    });
  }

  /** Resolves when nothing is under way any more. */
  public settled(): Promise<void> {
    return this.#tail;
  }

  protected abstract create(content: string): Promise<void>;
  protected abstract createDeferred(): Promise<void>;
  protected abstract update(content: string): Promise<void>;
  /** @param replaces whether a deferral or an answer that everybody sees is there already */
  protected abstract createPrivately(content: string, replaces: boolean): Promise<void>;

  #outgoing(text: string): string {
    // Discord refuses an empty message.
    const scrubbed = this.options.scrub(text);
    return cutMessage(scrubbed.trim() === '' ? '(empty)' : scrubbed);
  }

  #sent(): void {
    this.#state = 'sent';
    this.#answeredAt ??= performance.now();
  }

  #enqueue(step: () => Promise<void>): Promise<void> {
    const result = this.#tail.then(async () => {
      if (this.#state === 'gone') return;
      try {
        await step();
      } catch (error) {
        if (!isGone(error)) {
          this.#failure = error;
          throw error;
        }
        this.#state = 'gone';
        this.options.debug({ err: error }, 'answer came too late for Discord');
      }
    });
    // The caller gets the rejection; the queue goes on with the next step.
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
