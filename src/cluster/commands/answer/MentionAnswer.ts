import type { ProgressTarget } from '../../../core/contracts/ClusterContract.js';
import { Answer, type AnswerOptions } from './Answer.js';
import { type DiscordRest, discordCode, NO_MENTIONS } from './discordRest.js';

/** What answering needs of a message, as Discord sends it. */
export interface AnswerableMessage {
  readonly id: string;
  readonly channel_id: string;
  readonly guild_id?: string | undefined;
  readonly author: { readonly id: string };
}

const PLACEHOLDER = 'Working on it…';

/** Answers a mention: by one reply to it, which is edited from then on. */
export class MentionAnswer extends Answer {
  #messageId: string | undefined;

  public constructor(
    private readonly rest: DiscordRest,
    private readonly message: AnswerableMessage,
    options: AnswerOptions,
  ) {
    super(options);
  }

  public override progressTarget(): ProgressTarget {
    return { kind: 'message', channelId: this.message.channel_id, messageId: this.#sentMessageId() };
  }

  protected override async create(content: string): Promise<void> {
    const sent = (await this.rest.request('POST', this.#channelUrl(), {
      content,
      allowed_mentions: NO_MENTIONS,
      message_reference: { message_id: this.message.id, fail_if_not_exists: false },
      // The same mention handled again, after a crash, finds the answer that is there instead of adding a second one.
      nonce: this.message.id,
      enforce_nonce: true,
    })) as { id: string; content?: string };
    this.#messageId = sent.id;
    if (sent.content === PLACEHOLDER && content !== PLACEHOLDER) await this.update(content);
  }

  protected override createDeferred(): Promise<void> {
    return this.create(PLACEHOLDER);
  }

  protected override async update(content: string): Promise<void> {
    const url = `${this.#channelUrl()}/${this.#sentMessageId()}`;
    await this.rest.request('PATCH', url, { content, allowed_mentions: NO_MENTIONS });
  }

  protected override async createPrivately(content: string, replaces: boolean): Promise<void> {
    if (this.message.guild_id === undefined) {
      await (replaces ? this.update(content) : this.create(content));
      return;
    }
    if (replaces) await this.rest.request('DELETE', `${this.#channelUrl()}/${this.#sentMessageId()}`);
    try {
      const recipient = { recipient_id: this.message.author.id };
      const channel = (await this.rest.request('POST', '/users/@me/channels', recipient)) as { id: string };
      await this.rest.request('POST', `/channels/${channel.id}/messages`, {
        content,
        allowed_mentions: NO_MENTIONS,
      });
    } catch (error) {
      if (discordCode(error) === undefined) throw error;
      // A user who takes no direct messages gets no words: in the channel everybody would read them.
      this.options.debug({ err: error }, 'direct message was refused');
      await this.#reactInstead();
    }
  }

  async #reactInstead(): Promise<void> {
    try {
      const url = `${this.#channelUrl()}/${this.message.id}/reactions/${encodeURIComponent('⛔')}/@me`;
      await this.rest.request('PUT', url);
    } catch (error) {
      this.options.debug({ err: error }, 'reaction was refused');
    }
  }

  #channelUrl(): string {
    return `/channels/${this.message.channel_id}/messages`;
  }

  #sentMessageId(): string {
    if (this.#messageId === undefined) throw new Error('there is no answer yet that could be edited');
    return this.#messageId;
  }
}
