import type { ProgressTarget } from '../../core/contracts/ClusterContract.js';
import type { Logger } from '../../core/log/logger.js';
import { Backoff } from '../../core/time/backoff.js';
import { type Clock, sleep, systemClock, type Timer } from '../../core/time/clock.js';
import { type DiscordApi, DiscordRequestError } from '../discord/DiscordApi.js';

export interface ProgressMessageOptions {
  /** Puts this text in the place of the last one; see {@link editorOf}. */
  readonly edit: (text: string) => Promise<void>;
  readonly logger: Logger;
  /** From one edit to the next. Default 1000 ms: Discord allows 5 in 5 s. */
  readonly intervalMs?: number;
  /** How long `finish` tries. Default 10 000 ms. */
  readonly finishTimeoutMs?: number;
  readonly clock?: Clock;
}

/**
 * Shows how something comes along, by editing one message.
 *
 * At most one edit is under way and about one a second is begun; of texts that come faster only the last is sent. Nothing
 * is thrown: what is shown must not disturb what is done. The first failure is logged, later texts are tried all the same.
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
  #saidFailure = false;

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

  /** Shows the last text, and resolves when it is there or cannot get there; passing failures are tried again. */
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
    // An older text that arrived later would stay.
    await this.#underWay;
    while (text !== this.#shown && !signal.aborted) {
      if ((await this.#show(text)) !== 'failed') return;
      // Aborted: finish() has returned by then.
      await sleep(this.#clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  async #show(text: string): Promise<'shown' | 'failed' | 'refused'> {
    try {
      await this.#edit(text);
      this.#shown = text;
      return 'shown';
    } catch (error) {
      if (!this.#saidFailure) this.#logger.warn({ err: error }, 'the progress of a restart cannot be shown');
      this.#saidFailure = true;
      // 4xx: the message is gone, or the interaction is older than 15 minutes. No later try can succeed.
      const status = error instanceof DiscordRequestError ? (error.status ?? 0) : 0;
      return status >= 400 && status < 500 ? 'refused' : 'failed';
    }
  }
}

/** @returns what edits this answer of the bot, whichever process sent it. */
export function editorOf(
  api: Pick<DiscordApi, 'editInteractionAnswer' | 'editMessage'>,
  target: ProgressTarget,
): (text: string) => Promise<void> {
  return target.kind === 'interaction'
    ? (text) => api.editInteractionAnswer(target.applicationId, target.interactionToken, text)
    : (text) => api.editMessage(target.channelId, target.messageId, text);
}
