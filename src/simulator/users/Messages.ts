import type { Account } from '../account/Account.js';
import type { MessageEntry } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { Gateway } from '../gateway/Gateway.js';
import type { Session } from '../gateway/Session.js';
import {
  type ChannelPayload,
  type Json,
  MESSAGE_FLAG_EPHEMERAL,
  type MemberPayload,
  type MessagePayload,
  type UserPayload,
} from '../world/payloads.js';
import type { World } from '../world/World.js';
import { type Deferred, deferred } from './deferred.js';

/** How many messages are kept. Discord knows older ones too; the local one says "Unknown Message" of them. */
const MESSAGES_KEPT = 20_000;

export interface Reply {
  id: string;
  at: number;
  latencyMs: number;
  content: string;
}

/** A message that a simulated user sent. */
export class SentMessage {
  constructor(
    readonly payload: MessagePayload,
    /** The live entry in the account. */
    readonly entry: MessageEntry,
    private readonly firstReply: () => Promise<Reply>,
  ) {}

  get id(): string {
    return this.payload.id;
  }

  /** Resolves with the bot's first reply. Rejects if the simulator stops before there is one. */
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

/**
 * Owns the messages of all channels, the users' and the bot's. The gateway learns of each from here, without the content
 * where a session may not see it. The account learns which message got which reply.
 */
export class Messages {
  readonly #byId = new Map<string, MessagePayload>();
  /** Who waits for the first reply, by message. */
  readonly #awaited = new Map<string, Deferred<Reply>>();

  constructor(
    private readonly world: World,
    private readonly gateway: Gateway,
    private readonly account: Account,
  ) {}

  /** A user sends a message. */
  send(message: UserMessage): SentMessage {
    const { guildId, content } = message;
    const channel = this.world.channelIn(guildId, message.channelId);
    const member = this.world.actingMember(guildId, message.userId, this.#byId.size);
    const payload = this.compose(channel, member.user, content);
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
    this.#keep(payload);
    this.#announce('MESSAGE_CREATE', payload, channel, entry, member);
    return new SentMessage(payload, entry, () => this.#firstReply(entry));
  }

  /** The bot's message is there from now on. */
  add(message: MessagePayload, channel: ChannelPayload, repliesTo: string | undefined): void {
    this.#keep(message);
    this.#noteReply(message, repliesTo);
    if (!isEphemeral(message)) this.#announce('MESSAGE_CREATE', message, channel);
  }

  /** The bot's message has changed. */
  updated(message: MessagePayload): void {
    const channel = this.world.findChannel(message.channel_id);
    if (channel !== undefined && !isEphemeral(message)) this.#announce('MESSAGE_UPDATE', message, channel);
  }

  delete(message: MessagePayload): void {
    this.#byId.delete(message.id);
    const channel = this.world.findChannel(message.channel_id);
    if (channel === undefined || isEphemeral(message)) return;
    const data = { id: message.id, channel_id: channel.id };
    if (channel.guild_id === undefined) this.gateway.dispatchDirect('MESSAGE_DELETE', data);
    else this.gateway.dispatchToGuild('MESSAGE_DELETE', channel.guild_id, { ...data, guild_id: channel.guild_id });
  }

  find(messageId: string): MessagePayload | undefined {
    return this.#byId.get(messageId);
  }

  newestFirst(): MessagePayload[] {
    return [...this.#byId.values()].reverse();
  }

  stop(): void {
    const error = new Error('the simulator was stopped before there was a reply');
    for (const { reject } of this.#awaited.values()) reject(error);
    this.#awaited.clear();
  }

  /** A message with the defaults of all fields. It is in no channel before {@link add}. */
  compose(channel: ChannelPayload, author: UserPayload, content: string): MessagePayload {
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

  #keep(message: MessagePayload): void {
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
    this.#awaited.get(entry.id)?.resolve(replyOf(entry) as Reply);
    this.#awaited.delete(entry.id);
  }

  #firstReply(entry: MessageEntry): Promise<Reply> {
    const known = replyOf(entry);
    if (known !== undefined) return Promise.resolve(known);
    const reply = this.#awaited.get(entry.id) ?? deferred<Reply>();
    this.#awaited.set(entry.id, reply);
    return reply.promise;
  }
}

/** One user alone sees an ephemeral message. It never goes over the gateway. */
function isEphemeral({ flags }: MessagePayload): boolean {
  return (flags & MESSAGE_FLAG_EPHEMERAL) !== 0;
}

function replyOf(entry: MessageEntry): Reply | undefined {
  const [first] = entry.replies;
  return first === undefined ? undefined : { ...first, latencyMs: first.at - entry.createdAt };
}

/** Mentions of roles and of @everyone do not count. Only a mention of the bot itself shows it the content. */
function mentions(content: string, userId: string): boolean {
  return content.includes(`<@${userId}>`) || content.includes(`<@!${userId}>`);
}
