import {
  type Client,
  ClientApplication,
  ClientUser,
  type Guild,
  type Status,
  version,
  type WebSocketShard,
} from 'discord.js';
import type { BotIdentity } from '../../../core/discord/packets.js';
import type { HandlerEmitter } from '../HandlerIsolation.js';

/** What is called, read or replaced on a shard (src/client/websocket/WebSocketShard.js). */
export interface DiscordJsShard extends HandlerEmitter, Pick<WebSocketShard, 'id' | 'ping' | 'lastPingTimestamp'> {
  status: Status;
  /** The sequence number with which it resumes. */
  closeSequence: number;
  /** Guilds of READY that have not come. */
  expectedGuilds: Set<string> | null;
  sessionInfo: SessionInfo | null;
  checkReady(): void;
  gotGuild(guildId: string): void;
}

export interface SessionInfo {
  readonly resumeURL: string;
  readonly sequence: number;
  readonly sessionId: string;
  readonly shardCount: number;
  readonly shardId: number;
}

/** What is called, read or replaced on `client.ws` (src/client/websocket/WebSocketManager.js). */
export interface DiscordJsManager extends HandlerEmitter {
  readonly shards: ReadonlyMap<number, DiscordJsShard>;
  status: Status;
  destroy(): Promise<void>;
  triggerClientReady(): void;
}

interface ClientInternals {
  readonly ws: DiscordJsManager;
  readonly guilds: { _add(data: object): Guild };
  readonly channels: { _remove(id: string): void };
  readonly presence: { _patch(data: object): unknown };
}

type Maker<Made> = new (client: Client, data: object) => Made;

/** @throws Error where this discord.js is built differently from the one that this room was written for. */
export function clientInternalsOf(client: Client): ClientInternals {
  requireParts('WebSocketManager', client.ws, ['emit', 'destroy', 'triggerClientReady'], ['shards', 'status']);
  requireParts('GuildManager', client.guilds, ['_add'], []);
  requireParts('ChannelManager', client.channels, ['_remove'], []);
  requireParts('ClientPresence', Reflect.get(client, 'presence'), ['_patch'], []);
  return client as unknown as ClientInternals;
}

/** @throws Error where this discord.js is built differently from the one that this room was written for. */
export function shardInternalsOf(client: Client, shardId: number): DiscordJsShard {
  const shard = client.ws.shards.get(shardId);
  const fields = ['status', 'ping', 'closeSequence', 'expectedGuilds', 'sessionInfo'] as const;
  requireParts('WebSocketShard', shard, ['emit', 'checkReady', 'gotGuild'], fields);
  return shard as unknown as DiscordJsShard;
}

/** discord.js looks `emit` up for every event, so that one on the instance is enough. */
export function emitterOf(client: Client): HandlerEmitter {
  return client as unknown as HandlerEmitter;
}

/** As READY does it. Its typings keep the constructors to themselves. */
export function identify(client: Client, { user, application }: BotIdentity): void {
  const own = client as { user: ClientUser | null; application: ClientApplication | null };
  own.user = new (ClientUser as unknown as Maker<ClientUser>)(client, user);
  client.users.cache.set(own.user.id, own.user);
  own.application = new (ClientApplication as unknown as Maker<ClientApplication>)(client, application);
}

function requireParts(name: string, value: unknown, methods: readonly string[], fields: readonly string[]): void {
  const part = (field: string): unknown =>
    typeof value === 'object' && value !== null ? Reflect.get(value, field) : {};
  const missing = [
    ...methods.filter((method) => typeof part(method) !== 'function').map((method) => `${name}.${method}()`),
    ...fields.filter((field) => part(field) === undefined).map((field) => `${name}.${field}`),
  ];
  if (missing.length === 0 && typeof value === 'object' && value !== null) return;
  throw new Error(
    `discord.js ${version} does not fit: it lacks ${missing.join(', ') || name}. This version of Kallisti needs discord.js 14.28.1.`,
  );
}
