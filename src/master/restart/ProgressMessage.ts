import type { ProgressTarget } from '../../core/contracts/ClusterContract.js';
import type { Logger } from '../../core/log/logger.js';
import { Backoff } from '../../core/time/backoff.js';
import { type Clock, sleep, systemClock, type Timer } from '../../core/time/clock.js';
import { type DiscordApi, DiscordRequestError } from '../discord/DiscordApi.js';

export interface ProgressMessageOptions {
  /** Replaces the message's text, see {@link editorOf}. */
  readonly edit: (text: string) => Promise<void>;
  readonly logger: Logger;
  /** The least time from one edit to the next, in milliseconds. Default 1000: Discord allows 5 in 5 s. */
  readonly intervalMs?: number;
  /** How long `finish` tries, in milliseconds. Default 10 000. */
  readonly finishTimeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Shows the progress of a restart by editing one message.
 *
 * At most one edit is under way, and about one a second is begun. Of texts that come faster only the last is sent. Nothing is
 * thrown: the message must not disturb the restart. The first failure is logged, and later texts are tried all the same.
 */
export class ProgressMessage {
  readonly #edit: (text: string) => Promise<void>;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #finishTimeoutMs: number;
  readonly #clock: Clock;
  #pending: string | undefined;
  #shown: string | undefined;
  #underWay: Promise<unknown> | undefined;
  #timer: Timer | undefined;
  #nextAt = Number.NEGATIVE_INFINITY;
  #finished = false;
  #isWarned = false;

  public constructor(options: ProgressMessageOptions) {
    this.#edit = options.edit;
    this.#logger = options.logger;
    this.#intervalMs = options.intervalMs ?? 1000;
    this.#finishTimeoutMs = options.finishTimeoutMs ?? 10_000;
    this.#clock = options.clock ?? systemClock;
  }

  /** Shows this text soon, unless another comes first. Does nothing after `finish`. */
  public update(text: string): void {
    if (this.#finished) return;
    this.#pending = text;
    this.#pump();
  }

  /** Shows the last text. Resolves when it is there, or cannot get there. Passing failures are tried again. */
  public async finish(text: string): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    this.#timer?.cancel();
    const deadline = new AbortController();
    const timer = this.#clock.setTimeout(() => deadline.abort(), this.#finishTimeoutMs);
    const late = new Promise((resolve) => deadline.signal.addEventListener('abort', resolve, { once: true }));
    await Promise.race([this.#deliver(text, deadline.signal), late]);
    timer.cancel();
  }

  #pump(): void {
    if (this.#finished || this.#underWay !== undefined || this.#pending === undefined) return;
    const waitMs = this.#nextAt - this.#clock.now();
    this.#timer?.cancel();
    if (waitMs > 0) {
      this.#timer = this.#clock.setTimeout(() => this.#pump(), waitMs);
      return;
    }
    const text = this.#pending;
    this.#pending = undefined;
    if (text === this.#shown) return;
    this.#nextAt = this.#clock.now() + this.#intervalMs;
    this.#underWay = this.#show(text).then(() => {
      this.#underWay = undefined;
      this.#pump();
    });
  }

  async #deliver(text: string, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ firstDelayMs: 1000, baseDelayMs: 2000 });
    // An older text that arrived later would stay in the message.
    await this.#underWay;
    while (text !== this.#shown && !signal.aborted) {
      if ((await this.#show(text)) !== 'failed') return;
      // Rejected by the abort: finish() has returned by then.
      await sleep(this.#clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  async #show(text: string): Promise<'shown' | 'failed' | 'refused'> {
    try {
      await this.#edit(text);
      this.#shown = text;
      return 'shown';
    } catch (error) {
      if (!this.#isWarned) this.#logger.warn({ err: error }, 'the progress of a restart cannot be shown');
      this.#isWarned = true;
      // 4xx: the message is gone, or the interaction is older than 15 minutes. No later try can succeed.
      const status = error instanceof DiscordRequestError ? (error.status ?? 0) : 0;
      return status >= 400 && status < 500 ? 'refused' : 'failed';
    }
  }
}

/** @returns a function that edits this answer of the bot, whichever process sent it. */
export function editorOf(
  api: Pick<DiscordApi, 'editInteractionAnswer' | 'editMessage'>,
  target: ProgressTarget,
): (text: string) => Promise<void> {
  return target.kind === 'interaction'
    ? (text) => api.editInteractionAnswer(target.applicationId, target.interactionToken, text)
    : (text) => api.editMessage(target.channelId, target.messageId, text);
}
