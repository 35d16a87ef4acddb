import { type Client, ClientApplication, Constants, ExtendedUser, type RequestOptions } from 'oceanic.js';
import type { BotIdentity, GatewayPacket } from '../../../core/discord/packets.js';
import type { HandlerEmitter } from '../HandlerIsolation.js';

/** What is called, read or replaced on a shard (dist/lib/gateway/Shard.js). Each method is looked up again for every call. */
export interface OceanicShard extends HandlerEmitter {
  readonly id: number;
  _requestChannelInfoPromise: Record<string, PendingRequest>;
  _requestSoundboardSoundsPromise: Record<string, PendingRequest>;
  connecting: boolean;
  lastHeartbeatAck: boolean;
  lastHeartbeatReceived: number;
  lastHeartbeatSent: number;
  latency: number;
  presence: object;
  ready: boolean;
  sequence: number;
  sessionID: string | null;
  status: string;
  checkReady(): Promise<void>;
  connect(): Promise<void>;
  disconnect(): void;
  heartbeat(): void;
  onPacket(packet: GatewayPacket): void;
  reset(): void;
  restartGuildCreateTimeout(): Promise<void>;
  send(op: number, data: unknown): void;
}

interface PendingRequest {
  readonly timeout: NodeJS.Timeout;
  reject(error: Error): void;
}

/** What is called, read or replaced on `client.shards` (dist/lib/gateway/ShardManager.js). */
export interface OceanicShardManager {
  readonly dispatcher: OceanicDispatcher;
  connected: boolean;
  _connect(): void;
  _ready(): void;
  connect(): Promise<void>;
  disconnect(): void;
  get(id: number): unknown;
  spawn(id: number): void;
  tryConnect(): void;
}

/** Has a function of the library's for each dispatch, and those that the bot has registered. */
export interface OceanicDispatcher {
  readonly events: ReadonlyMap<string, readonly DispatchFunction[]>;
  handle(packet: GatewayPacket, shard: OceanicShard): void;
}

export type DispatchFunction = (data: unknown, shard: OceanicShard) => unknown;

/** What is called, read or replaced on `client.rest.handler` (dist/lib/rest/RequestHandler.js). */
export interface OceanicRequestHandler {
  readonly options: { agent?: unknown };
  readonly ratelimits: Record<string, { readonly processing: boolean | NodeJS.Timeout }>;
  request(options: RequestOptions): Promise<unknown>;
}

export interface OceanicInternals {
  readonly shards: OceanicShardManager;
  readonly handler: OceanicRequestHandler;
  /** `emit` is looked up for every event, so that one on the instance is enough. */
  readonly emitter: HandlerEmitter;
}

const SHARD_METHODS = [
  ...['checkReady', 'connect', 'disconnect', 'emit', 'heartbeat', 'onPacket', 'reset', 'restartGuildCreateTimeout'],
  'send',
] as const;
const SHARD_FIELDS = [
  ...[
    '_requestChannelInfoPromise',
    '_requestSoundboardSoundsPromise',
    'connecting',
    'lastHeartbeatAck',
    'latency',
    'presence',
  ],
  ...['ready', 'sequence', 'sessionID', 'status'],
] as const;

/** @throws Error where this oceanic.js is built differently from the one that this room was written for. */
export function clientInternalsOf(client: Client): OceanicInternals {
  requireParts('Client', client, ['emit'], ['_user', '_application', 'guildShardMap', 'voiceAdapters']);
  const { shards, rest } = client;
  requireParts('ShardManager', shards, ['_connect', '_ready', 'get', 'spawn', 'tryConnect'], ['connected']);
  requireParts('Dispatcher', shards.dispatcher, ['handle'], ['events']);
  requireParts('RequestHandler', rest.handler, ['request'], ['options', 'ratelimits']);
  return {
    shards: shards as unknown as OceanicShardManager,
    handler: rest.handler as unknown as OceanicRequestHandler,
    emitter: client as unknown as HandlerEmitter,
  };
}

/** @throws Error where this oceanic.js is built differently from the one that this room was written for. */
export function shardInternalsOf(shard: unknown): OceanicShard {
  requireParts('Shard', shard, SHARD_METHODS, SHARD_FIELDS);
  return shard as OceanicShard;
}

type Maker<Made> = new (data: object, client: Client) => Made;

/** As READY does it. */
export function identify(client: Client, { user, application }: BotIdentity): void {
  const own = client as unknown as { _user: ExtendedUser; _application: ClientApplication };
  own._user = client.users.add(new (ExtendedUser as unknown as Maker<ExtendedUser>)(user, client)) as ExtendedUser;
  own._application = new (ClientApplication as unknown as Maker<ClientApplication>)(application, client);
}

function requireParts(name: string, value: unknown, methods: readonly string[], fields: readonly string[]): void {
  const isObject = typeof value === 'object' && value !== null;
  const missing = [
    ...methods
      .filter((method) => !isObject || typeof Reflect.get(value, method) !== 'function')
      .map((method) => `${name}.${method}()`),
    ...fields.filter((field) => !isObject || !(field in value)).map((field) => `${name}.${field}`),
  ];
  if (missing.length === 0) return;
  throw new Error(
    `oceanic.js ${Constants.VERSION} does not fit: it lacks ${missing.join(', ')}. This version of Kallisti needs oceanic.js 1.15.0.`,
  );
}
