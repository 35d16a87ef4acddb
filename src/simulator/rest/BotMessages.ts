import type { Messages } from '../users/Messages.js';
import {
  type ChannelPayload,
  MESSAGE_FLAG_EPHEMERAL,
  type MessagePayload,
  type UserPayload,
} from '../world/payloads.js';
import type { World } from '../world/World.js';
import { invalidField, unknown } from './DiscordApiError.js';
import type { MessageBody } from './messageBody.js';

const NONCE_WINDOW_MS = 60_000;
const TYPE_REPLY = 19;
const TYPE_COMMAND = 20;

/** The interaction that a message of the bot belongs to. */
export interface InteractionOrigin {
  interactionId: string;
  name: string;
  user: UserPayload;
  type: number;
}

/** What a bot does with messages by REST. {@link Messages} keeps them and tells the gateway. */
export class BotMessages {
  constructor(
    private readonly world: World,
    private readonly messages: Messages,
  ) {}

  /** The bot sends a message. Throws the error that Discord would answer with. */
  post(channel: ChannelPayload, body: MessageBody, origin?: InteractionOrigin, extraFlags = 0): MessagePayload {
    const written = body.enforceNonce ? this.#writtenBefore(channel, body.nonce) : undefined;
    if (written !== undefined) return written;
    const payload = this.messages.compose(channel, this.world.publicBot, body.content);
    const { reference } = body;
    if (reference !== undefined) this.#refer(payload, channel, reference);
    payload.flags = body.flags | extraFlags;
    Object.assign(payload, { embeds: body.embeds, components: body.components, tts: body.tts });
    Object.assign(payload, { attachments: body.attachments.map((file, index) => ({ ...file, id: String(index) })) });
    if (body.nonce !== undefined) payload.nonce = body.nonce;
    if (origin !== undefined) this.#belongTo(payload, origin);
    this.messages.add(payload, channel, reference?.messageId);
    return payload;
  }

  /**
   * With `enforce_nonce` and a nonce that the author used "in the past few minutes" Discord creates nothing, but returns the
   * message of that nonce: discord.com/developers/docs/resources/message#create-message-jsonform-params. Here that is one
   * minute.
   */
  #writtenBefore(channel: ChannelPayload, nonce: string | number | undefined): MessagePayload | undefined {
    const earliest = Date.now() - NONCE_WINDOW_MS;
    for (const payload of this.messages.newestFirst()) {
      if (Date.parse(String(payload.timestamp)) < earliest) return undefined;
      const isOurs = payload.author.id === this.world.bot.id && payload.channel_id === channel.id;
      if (isOurs && nonce !== undefined && payload.nonce === nonce) return payload;
    }
    return undefined;
  }

  #refer(payload: MessagePayload, channel: ChannelPayload, reference: NonNullable<MessageBody['reference']>): void {
    const target = this.messages.find(reference.messageId);
    const sameChannel = reference.channelId === undefined || reference.channelId === channel.id;
    if (target === undefined || target.channel_id !== channel.id || !sameChannel) {
      if (!reference.failIfNotExists) return;
      throw invalidField(['message_reference'], 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
    }
    payload.type = TYPE_REPLY;
    payload.message_reference = {
      type: 0,
      message_id: reference.messageId,
      channel_id: channel.id,
      ...(channel.guild_id === undefined ? {} : { guild_id: channel.guild_id }),
    };
    payload.referenced_message = target ?? null;
  }

  #belongTo(payload: MessagePayload, origin: InteractionOrigin): void {
    payload.webhook_id = this.world.applicationId;
    payload.application_id = this.world.applicationId;
    payload.type = origin.type === 2 ? TYPE_COMMAND : 0;
    payload.interaction_metadata = {
      id: origin.interactionId,
      type: origin.type,
      name: origin.name,
      user: origin.user,
      authorizing_integration_owners: {},
    };
  }

  /** Changes the fields that the body has. */
  edit(message: MessagePayload, body: MessageBody, clearFlags = 0): MessagePayload {
    if (body.given.has('content')) message.content = body.content;
    for (const field of ['embeds', 'components', 'attachments'] as const) {
      if (body.given.has(field)) message[field] = body[field];
    }
    message.flags = (message.flags & ~clearFlags) | (body.flags & ~MESSAGE_FLAG_EPHEMERAL);
    message.edited_timestamp = new Date().toISOString();
    this.messages.updated(message);
    return message;
  }

  delete(message: MessagePayload): void {
    this.messages.delete(message);
  }

  /** Throws "Unknown Message" if there is no such message, or if it is in another channel than the given one. */
  get(messageId: string, channelId?: string): MessagePayload {
    const message = this.messages.find(messageId);
    const isElsewhere = channelId !== undefined && message?.channel_id !== channelId;
    if (message === undefined || isElsewhere) throw unknown.message();
    return message;
  }

  /** The latest messages of a channel, newest first. */
  list(channelId: string, limit: number): MessagePayload[] {
    const isShown = ({ channel_id, flags }: MessagePayload) =>
      channel_id === channelId && (flags & MESSAGE_FLAG_EPHEMERAL) === 0;
    return this.messages.newestFirst().filter(isShown).slice(0, limit);
  }
}
