import type { Account } from '../account/Account.js';
import type { MessageEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Gateway } from '../gateway/Gateway.js';
import type { Session } from '../gateway/Session.js';
import { FormCheck, unknown } from '../rest/DiscordApiError.js';
import type { MessageBody } from '../rest/messageBody.js';
import {
  type ChannelPayload,
  type Json,
  MESSAGE_FLAG_EPHEMERAL,
  type MemberPayload,
  type MessagePayload,
  type UserPayload,
} from '../world/payloads.js';
import type { World } from '../world/World.js';

/** Messages that are remembered; of older ones Discord would know, this one answers "Unknown Message". */
const MESSAGES_KEPT = 20_000;
const NONCE_WINDOW_MS = 60_000;
const TYPE_REPLY = 19;
const TYPE_COMMAND = 20;

export interface Reply {
  id: string;
  at: number;
  latencyMs: number;
  content: string;
}

/** A message a simulated user sent, with what the account says of it. */
export class SentMessage {
  constructor(
    readonly payload: MessagePayload,
    readonly entry: MessageEntry,
    private readonly firstReply: () => Promise<Reply>,
  ) {}

  get id(): string {
    return this.payload.id;
  }

  /** Resolves with the bot's first reply to it; rejects when the simulator stops before there is one. */
  get answered(): Promise<Reply> {
    return this.firstReply();
  }
}

export interface UserMessage {
  content: string;
  guildId: string;
  channelId?: string;
  userId?: string;
}

/** What makes a message of the bot one that belongs to an interaction. */
export interface InteractionOrigin {
  interactionId: string;
  name: string;
  user: UserPayload;
  type: number;
}

/**
 * Owns the messages of all channels: the users' and the bot's. Tells the gateway of each, hides content from sessions that
 * may not see it, and writes to the account which message got which reply.
 */
export class Messages {
  readonly #byId = new Map<string, MessagePayload>();
  readonly #waiters = new Map<string, { resolve: (reply: Reply) => void; reject: (error: Error) => void }[]>();

  constructor(
    private readonly world: World,
    private readonly gateway: Gateway,
    private readonly account: Account,
  ) {}

  /** A user writes something. */
  send(message: UserMessage): SentMessage {
    const { guildId, content } = message;
    const channel =
      message.channelId === undefined ? this.world.defaultChannel(guildId) : this.world.findChannel(message.channelId);
    if (channel === undefined || channel.guild_id !== guildId)
      throw new RangeError(`guild ${guildId} has no such channel`);
    const member = this.world.actingMember(guildId, message.userId, this.#byId.size);
    const payload = this.#compose(channel, member.user, content);
    const entry: MessageEntry = {
      id: payload.id,
      guildId,
      channelId: channel.id,
      userId: member.user.id,
      content,
      mentionsBot: mentions(content, this.world.bot.id),
      createdAt: now(),
      deliveries: [],
      replies: [],
    };
    this.account.addMessage(entry);
    this.#remember(payload);
    this.#announce('MESSAGE_CREATE', payload, channel, entry, member);
    return new SentMessage(payload, entry, () => this.#firstReply(entry));
  }

  /** The bot writes something, through REST. Throws the error Discord would answer with. */
  post(channel: ChannelPayload, body: MessageBody, origin?: InteractionOrigin, extraFlags = 0): MessagePayload {
    const written = body.enforceNonce ? this.#writtenBefore(channel, body.nonce) : undefined;
    if (written !== undefined) return written;
    const payload = this.#compose(channel, this.world.findUser(this.world.bot.id) ?? this.world.bot, body.content);
    const { reference } = body;
    if (reference !== undefined) this.#refer(payload, channel, reference);
    payload.flags = body.flags | extraFlags;
    Object.assign(payload, { embeds: body.embeds, components: body.components, tts: body.tts });
    Object.assign(payload, { attachments: body.attachments.map((file, index) => ({ ...file, id: String(index) })) });
    if (body.nonce !== undefined) payload.nonce = body.nonce;
    if (origin !== undefined) this.#belongTo(payload, origin);
    this.#remember(payload);
    this.#noteReply(payload, reference?.messageId);
    // Ephemeral messages are shown to one user and never go over the gateway.
    if ((payload.flags & MESSAGE_FLAG_EPHEMERAL) === 0) this.#announce('MESSAGE_CREATE', payload, channel);
    return payload;
  }

  /**
   * With `enforce_nonce`, a nonce that the author has used in the past few minutes creates nothing: its message is returned
   * (discord.com/developers/docs/resources/message#create-message-jsonform-params). "A few minutes" are one here.
   */
  #writtenBefore(channel: ChannelPayload, nonce: string | number | undefined): MessagePayload | undefined {
    const earliest = Date.now() - NONCE_WINDOW_MS;
    for (const payload of [...this.#byId.values()].reverse()) {
      if (Date.parse(String(payload.timestamp)) < earliest) return undefined;
      const isOurs = payload.author.id === this.world.bot.id && payload.channel_id === channel.id;
      if (isOurs && nonce !== undefined && payload.nonce === nonce) return payload;
    }
    return undefined;
  }

  #refer(payload: MessagePayload, channel: ChannelPayload, reference: NonNullable<MessageBody['reference']>): void {
    const target = this.#byId.get(reference.messageId);
    const sameChannel = reference.channelId === undefined || reference.channelId === channel.id;
    if (target === undefined || target.channel_id !== channel.id || !sameChannel) {
      if (!reference.failIfNotExists) return;
      const check = new FormCheck();
      check.fail(['message_reference'], 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
      check.throwIfFailed();
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

  edit(message: MessagePayload, body: MessageBody, clearFlags = 0): MessagePayload {
    if (body.given.has('content')) message.content = body.content;
    for (const field of ['embeds', 'components', 'attachments'] as const) {
      if (body.given.has(field)) message[field] = body[field];
    }
    message.flags = (message.flags & ~clearFlags) | (body.flags & ~MESSAGE_FLAG_EPHEMERAL);
    message.edited_timestamp = new Date().toISOString();
    const channel = this.world.findChannel(message.channel_id);
    if (channel !== undefined && (message.flags & MESSAGE_FLAG_EPHEMERAL) === 0) {
      this.#announce('MESSAGE_UPDATE', message, channel);
    }
    return message;
  }

  delete(message: MessagePayload): void {
    this.#byId.delete(message.id);
    const channel = this.world.findChannel(message.channel_id);
    if (channel === undefined || (message.flags & MESSAGE_FLAG_EPHEMERAL) !== 0) return;
    const data = { id: message.id, channel_id: channel.id };
    if (channel.guild_id === undefined) this.gateway.dispatchDirect('MESSAGE_DELETE', data);
    else this.gateway.dispatchToGuild('MESSAGE_DELETE', channel.guild_id, { ...data, guild_id: channel.guild_id });
  }

  /** Throws "Unknown Message" when there is none in that channel. */
  get(channelId: string, messageId: string): MessagePayload {
    const message = this.#byId.get(messageId);
    if (message === undefined || message.channel_id !== channelId) throw unknown.message();
    return message;
  }

  find(messageId: string): MessagePayload | undefined {
    return this.#byId.get(messageId);
  }

  /** The latest messages of a channel, newest first. */
  list(channelId: string, limit: number): MessagePayload[] {
    const all = [...this.#byId.values()].filter(
      (message) => message.channel_id === channelId && (message.flags & MESSAGE_FLAG_EPHEMERAL) === 0,
    );
    return all.slice(-limit).reverse();
  }

  stop(): void {
    for (const waiters of this.#waiters.values()) {
      for (const { reject } of waiters) reject(new Error('the simulator was stopped before there was a reply'));
    }
    this.#waiters.clear();
  }

  #compose(channel: ChannelPayload, author: UserPayload, content: string): MessagePayload {
    const ids = [...new Set([...content.matchAll(/<@!?(\d{15,20})>/g)].map((match) => match[1] ?? ''))];
    return {
      id: this.world.snowflakes.next(),
      channel_id: channel.id,
      author,
      content,
      timestamp: new Date().toISOString(),
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mentions: ids.map((id) => this.world.findUser(id)).filter((user) => user !== undefined),
      mention_roles: [],
      attachments: [],
      embeds: [],
      components: [],
      pinned: false,
      type: 0,
      flags: 0,
    };
  }

  #remember(message: MessagePayload): void {
    this.#byId.set(message.id, message);
    if (this.#byId.size <= MESSAGES_KEPT) return;
    const [oldest] = this.#byId.keys();
    if (oldest !== undefined) this.#byId.delete(oldest);
  }

  #announce(
    event: string,
    message: MessagePayload,
    channel: ChannelPayload,
    entry?: MessageEntry,
    member?: MemberPayload,
  ): void {
    const ledger = entry === undefined ? {} : { ledger: entry.deliveries };
    const guildId = channel.guild_id;
    if (guildId === undefined) {
      this.gateway.dispatchDirect(event, { ...message, channel_type: channel.type }, ledger);
      return;
    }
    const author = message.webhook_id === undefined ? (member ?? this.world.botMember(guildId)) : undefined;
    const data: Json = { ...message, guild_id: guildId };
    if (author !== undefined) {
      const { user, ...rest } = author;
      data.member = rest;
    }
    this.gateway.dispatchToGuild(event, guildId, data, {
      ...ledger,
      variant: (session) => this.#seenBy(session, data),
    });
  }

  /** discord.com/developers/docs/events/gateway#message-content-intent */
  #seenBy(session: Session, data: Json): { name: string; data: unknown } {
    const author = data.author as UserPayload;
    const isOpen =
      session.has('messageContent') ||
      author.id === this.world.bot.id ||
      mentions(String(data.content), this.world.bot.id);
    if (isOpen) return { name: 'open', data };
    return { name: 'hidden', data: { ...data, content: '', embeds: [], attachments: [], components: [] } };
  }

  #noteReply(payload: MessagePayload, repliesTo: string | undefined): void {
    const entry = repliesTo === undefined ? undefined : this.account.findMessage(repliesTo);
    if (entry === undefined) return;
    entry.replies.push({ id: payload.id, at: now(), content: payload.content });
    const waiters = this.#waiters.get(entry.id);
    this.#waiters.delete(entry.id);
    for (const { resolve } of waiters ?? []) resolve(replyOf(entry) as Reply);
  }

  #firstReply(entry: MessageEntry): Promise<Reply> {
    const known = replyOf(entry);
    if (known !== undefined) return Promise.resolve(known);
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiters.set(entry.id, [...(this.#waiters.get(entry.id) ?? []), { resolve, reject }]);
    });
    // Who asked and then lost interest must not be punished with an unhandled rejection.
    reply.catch(() => undefined);
    return reply;
  }
}

function replyOf(entry: MessageEntry): Reply | undefined {
  const [first] = entry.replies;
  return first === undefined ? undefined : { ...first, latencyMs: first.at - entry.createdAt };
}

/** Role and @everyone mentions do not count: only the bot itself being mentioned shows it the content. */
function mentions(content: string, userId: string): boolean {
  return content.includes(`<@${userId}>`) || content.includes(`<@!${userId}>`);
}
