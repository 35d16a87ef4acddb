import type { ChannelSummary, GuildSummary, UserSummary } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import type { PresenceData } from '../gateway/Presence.js';

/**
 * The port between Kallisti and a client library. Kallisti holds the connections to Discord and hands what arrives to the
 * adapter; the library caches, emits and sends REST requests, and never connects.
 *
 * Where it differs from the first sketch: there is no `clientReady()`. Each library has its own idea of when it is ready, and
 * can tell it from `shardState` and `restoreIdentity` alone.
 *
 * An adapter guarantees:
 * - No method but `request` waits for anything, and none but `cacheGuild` throws. What a listener of the bot throws, or its promise
 *   is rejected with, and what the library throws over a dispatch, goes to {@link ClientLog}, and keeps nobody else from
 *   being called.
 * - Nothing that the bot calls on the library connects, disconnects or ends a session.
 * - A packet may be changed once it was given to the adapter, and may be kept.
 */
export interface ClientAdapter<C = unknown> {
  /** What the bot is given. */
  readonly client: C;
  /** Read once, when the gateway is made. */
  readonly connection: ConnectionWishes;

  /**
   * Called once, before anything else. What the library wants to send over the gateway goes to `send`, whatever the shard's state:
   * it is dropped where the shard is not connected, but for a presence, which is remembered. `send` throws
   * PayloadTooLargeError where Discord would close the connection for it; the bot's call may throw that.
   */
  attach(send: (shardId: number, payload: GatewayPacket) => void): void;

  // The cache, filled without any event. docs/architecture.md says what is not kept.

  /** Who the bot is, in a process that has not seen READY. Called before any guild is cached. */
  restoreIdentity(identity: BotIdentity): void;
  /** The presence that the bot has set on a shard in an earlier process, as it was sent. The library must not send it again. */
  restorePresence(shardId: number, presence: PresenceData): void;
  /** Puts a guild into the cache as its GUILD_CREATE would. One that is there is replaced. It may be kept and changed. */
  cacheGuild(shardId: number, guild: RawGuild): void;
  /** Discord has told of the guild, and that it cannot say more for now. */
  cacheUnavailableGuild(shardId: number, guildId: string): void;
  uncacheGuild(guildId: string): void;
  /** All guilds of a shard that the library knows of, unavailable ones as well. */
  guildIds(shardId: number): Iterable<string>;
  /** How much is cached. Looks at every guild; unavailable ones do not count. */
  counts(): CacheCounts;
  lookUp<Kind extends keyof Summaries>(kind: Kind, id: string): Summaries[Kind] | null;

  // What happens on the shards, in the order in which it happens.

  /**
   * Handles a dispatch, in this very turn; the gateway has looked at it (`isWellFormed`). Where the library would choke on one that it
   * has nothing to do for, it is left out.
   *
   * @param mode `cacheOnly`: no listener is called.
   */
  dispatch(shardId: number, packet: GatewayPacket, mode: DispatchMode): void;
  /** Any other payload, after the gateway has done what it asks for: for libraries that emit them. */
  control(shardId: number, packet: GatewayPacket): void;
  shardState(shardId: number, change: ConnectionChange): void;
  /** How long Discord took to confirm a heartbeat. */
  shardLatency(shardId: number, latencyMs: number): void;

  // REST

  /**
   * A request to Discord's API, within the library's rate limits.
   *
   * @param path from the version on: `/channels/1/messages`.
   * @throws an Error with Discord's own number as `code` where Discord refuses.
   */
  request(method: RequestMethod, path: string, body?: object, how?: RequestHow): Promise<unknown>;
  /** Called for every answer of Discord's API to the library, whoever asked. */
  onRest(listener: (status: number, latencyMs: number) => void): void;

  /** Ends the client: no timer, socket or listener of it is left, and requests reject. The shards are disconnected by then. */
  stop(): Promise<void>;
}

/** Makes the adapter of one process. A bot says which: `new ClusterWorker({ client: ... })`. */
export type ClientFactory<C> = (setup: ClientSetup) => ClientAdapter<C> | Promise<ClientAdapter<C>>;

export interface ClientSetup {
  /** Without the prefix `Bot `. */
  readonly token: string;
  /** For example `https://discord.com/api`; plain http is allowed. */
  readonly apiUrl: string;
  /** In any order, contiguous or not. */
  readonly shardIds: readonly number[];
  /** Of the whole bot, not of this process. */
  readonly shardCount: number;
  readonly log: ClientLog;
  /**
   * Calls a listener of the bot: `call` does. Default: calls it, and returns what it returns. Every listener is called by this,
   * and what it returns here counts as the listener's.
   */
  readonly callListener?: (listener: object, call: () => unknown) => unknown;
  /**
   * Sends a request of the library: `send` does, with what it is given, and may be called again with another request. Default:
   * sends it. Every request of the library to Discord's API passes here, before its rate limits.
   */
  readonly sendRequest?: (request: RestRequest, send: (request: RestRequest) => Promise<unknown>) => Promise<unknown>;
}

/** Where an adapter says what went wrong. The token is kept out of it. */
export interface ClientLog {
  /** The library reports an error, with or without a listener for it. Not logged again where the gateway has done so. */
  clientError(error: unknown, shardId: number | undefined): void;
  clientWarning(message: unknown, shardId: number | undefined): void;
  /** A listener of the bot threw, or its promise was rejected. */
  handlerError(event: string, error: unknown): void;
}

/** What the library's options ask of the connection. */
export interface ConnectionWishes {
  readonly intents: number;
  /** From so many members on, Discord leaves out those that are offline: 50 to 250. Default: Discord's own, 50. */
  readonly largeThreshold?: number;
  /** With IDENTIFY, until the bot sets another. Default: none, which is `online`. */
  readonly presence?: object;
  /** Whether the transport is compressed (`zlib-stream`). */
  readonly compress: boolean;
  /** For so long after the last guild those that are missing after READY are waited for, in milliseconds. */
  readonly guildTimeoutMs: number;
  /** Options of `ws`: an agent, say. */
  readonly socketOptions?: object;
}

/**
 * - `connecting`: a socket is being opened; `open`: it is.
 * - `identifying`, `resuming`: HELLO has come, and is answered.
 * - `ready`: RESUMED was handled, or READY and the guilds that Discord has now.
 * - `disconnected`: the socket is gone. `error` says why, where that was no choice; `isFinal`, that no other will be opened
 *   unless the shard is taken back.
 */
export interface ConnectionChange {
  readonly state: 'connecting' | 'open' | 'identifying' | 'resuming' | 'ready' | 'disconnected';
  /** Of the session that there is; null before READY. */
  readonly sessionId: string | null;
  readonly error?: Error;
  readonly isFinal?: boolean;
}

export type DispatchMode = 'emit' | 'cacheOnly';

/** A GUILD_CREATE's data as the store has it. */
export interface RawGuild {
  readonly id: string;
  readonly [field: string]: unknown;
}

export interface CacheCounts {
  readonly users: number;
  /** By shard id; a shard without any may be missing. */
  readonly guilds: ReadonlyMap<number, number>;
}

/** What a look-up tells. Where it was found, others know. */
export interface Summaries {
  readonly guild: Omit<GuildSummary, 'shardId' | 'clusterId'>;
  readonly user: Omit<UserSummary, 'clusterId'>;
  /** Channels and threads of guilds. */
  readonly channel: Omit<ChannelSummary, 'clusterId'>;
}

/** A request to Discord's API, as a library makes it. */
export interface RestRequest {
  readonly method: string;
  /** From the version on: `/channels/1/messages`; may have a query. */
  readonly path: string;
  /** As JSON; undefined where there is none. Files are not in it. */
  readonly body: unknown;
}

export type RequestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RequestHow {
  /** Whether the bot's token is sent along. Default true. Answers to interactions need none, and then no global limit holds them up. */
  readonly auth?: boolean;
  /**
   * Requests with the same name are sent one after the other, and apart from all others. There are few names, since a library
   * may keep what it knows of one for ever. One that keeps interactions apart by itself ignores it. Default: the library's own routes.
   */
  readonly lane?: string;
}
