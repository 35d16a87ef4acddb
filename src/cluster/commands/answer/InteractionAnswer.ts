import type { ProgressTarget } from '../../../core/contracts/ClusterContract.js';
import type { RequestMethod } from '../../clients/ClientAdapter.js';
import { Answer, type AnswerOptions } from './Answer.js';
import { ALREADY_ACKNOWLEDGED, type DiscordRest, discordCode, EPHEMERAL, LOADING, NO_MENTIONS } from './discordRest.js';
import type { RestLane } from './RestLanes.js';

/** What answering needs of an interaction, as Discord sends it. */
export interface AnswerableInteraction {
  readonly id: string;
  readonly token: string;
  readonly application_id: string;
}

/** discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
const MESSAGE = 4;
const DEFERRED_MESSAGE = 5;

/**
 * Answers a slash command: one callback within three seconds, then edits of the original answer.
 *
 * No request carries the bot's token. Discord asks for none here, and a client library holds back every request with the
 * token while the bot's global limit is used up; that limit does not count answers to interactions.
 */
export class InteractionAnswer extends Answer {
  readonly #original: string;
  /** By an earlier attempt at this command. */
  readonly #isAcknowledged: boolean;

  public constructor(
    private readonly rest: DiscordRest,
    private readonly interaction: AnswerableInteraction,
    private readonly lane: RestLane,
    options: AnswerOptions & { readonly isAcknowledged?: boolean },
  ) {
    super(options);
    this.#isAcknowledged = options.isAcknowledged ?? false;
    this.#original = `/webhooks/${interaction.application_id}/${interaction.token}/messages/@original`;
  }

  public override progressTarget(): ProgressTarget {
    return {
      kind: 'interaction',
      applicationId: this.interaction.application_id,
      interactionToken: this.interaction.token,
    };
  }

  protected override async create(content: string): Promise<void> {
    const acknowledged = await this.#respond(MESSAGE, { content, allowed_mentions: NO_MENTIONS });
    if (!acknowledged && (await this.#isStillLoading())) await this.update(content);
  }

  protected override async createDeferred(): Promise<void> {
    await this.#respond(DEFERRED_MESSAGE, {});
  }

  protected override async update(content: string): Promise<void> {
    await this.#webhook('PATCH', this.#original, { content, allowed_mentions: NO_MENTIONS });
  }

  protected override async createPrivately(content: string, replaces: boolean): Promise<void> {
    const message = { content, allowed_mentions: NO_MENTIONS, flags: EPHEMERAL };
    if (!replaces) {
      await this.#respond(MESSAGE, message);
      return;
    }
    // Who sees a deferred answer was settled by its deferral; so that one goes, and a follow-up takes its place.
    await this.#webhook('DELETE', this.#original);
    await this.#webhook('POST', `/webhooks/${this.interaction.application_id}/${this.interaction.token}`, message);
  }

  /**
   * @returns false where the interaction is acknowledged already: by a process that died with this command unfinished, or by
   * an earlier attempt of this very request, which a library repeats after a 502.
   */
  async #respond(type: number, data: Record<string, unknown>): Promise<boolean> {
    if (this.#isAcknowledged) return false;
    const url = `/interactions/${this.interaction.id}/${this.interaction.token}/callback`;
    try {
      await this.rest.request('POST', url, { type, data }, { auth: false, lane: this.lane.callback });
      return true;
    } catch (error) {
      if (discordCode(error) !== ALREADY_ACKNOWLEDGED) throw error;
      this.options.debug({ err: error }, 'interaction was acknowledged already');
      return false;
    }
  }

  /** Whether the answer that is there is but a deferral: then its user still waits. */
  async #isStillLoading(): Promise<boolean> {
    const original = (await this.#webhook('GET', this.#original)) as { flags?: number } | undefined;
    return ((original?.flags ?? 0) & LOADING) !== 0;
  }

  #webhook(method: RequestMethod, url: string, body?: object): Promise<unknown> {
    return this.rest.request(method, url, body, { auth: false, lane: this.lane.webhook });
  }
}
