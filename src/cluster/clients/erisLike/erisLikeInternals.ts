import type { GatewayPacket } from '../../../core/discord/packets.js';
import type { HandlerEmitter } from '../HandlerIsolation.js';
import type { ErisLikeLibrary } from './ErisLikeLibrary.js';

/** Its `add` makes the object itself; typings of the libraries do not say from what. */
export interface ErisLikeCollection<Item> extends Map<string, Item> {
  add(data: object, extra?: unknown, replace?: boolean): Item;
}

interface ErisLikeUser {
  readonly id: string;
  readonly username: string;
  readonly bot: boolean;
}

export interface ErisLikeMember {
  readonly id: string;
}

interface ErisLikeChannel {
  readonly id: string;
  readonly type: number;
  readonly name?: string;
  readonly guild?: { readonly id: string };
  lastPinTimestamp?: number | null;
}

interface ErisLikeThread {
  readonly members: ErisLikeCollection<{ guildMember?: ErisLikeMember }>;
}

interface ErisLikeStageInstance {
  guild: unknown;
  channel: unknown;
  /** Eris has none. */
  guildScheduledEvent?: unknown;
}

export interface ErisLikeGuild {
  readonly id: string;
  readonly name: string;
  readonly memberCount: number;
  readonly ownerID: string;
  readonly channels: ErisLikeCollection<ErisLikeChannel>;
  readonly threads: ErisLikeCollection<ErisLikeThread>;
  readonly members: ErisLikeCollection<ErisLikeMember>;
  readonly events: ErisLikeCollection<unknown>;
  readonly stageInstances: ErisLikeCollection<ErisLikeStageInstance>;
}

/** What is called, read or replaced on a client (lib/Client.js). */
export interface ErisLikeClient extends HandlerEmitter {
  readonly guilds: ErisLikeCollection<ErisLikeGuild>;
  readonly unavailableGuilds: ErisLikeCollection<unknown>;
  readonly users: ErisLikeCollection<ErisLikeUser>;
  readonly guildShardMap: Record<string, number>;
  readonly channelGuildMap: Record<string, string>;
  readonly threadGuildMap: Record<string, string>;
  readonly presence: ErisLikePresence;
  readonly requestHandler: ErisLikeRequestHandler;
  readonly shards: ErisLikeShardManager;
  readonly voiceConnections: { keys(): Iterable<string | number>; leave(guildId: string): void };
  user: ErisLikeUser | undefined;
  application: object | undefined;
  connect(): Promise<void>;
  getChannel(id: string): ErisLikeChannel | undefined;
  on(event: 'warn', listener: (message: unknown, shardId?: number) => void): unknown;
  on(
    event: 'rawREST',
    listener: (request: { resp: { readonly statusCode?: number }; latency: number }) => void,
  ): unknown;
  removeAllListeners(): unknown;
}

export interface ErisLikePresence {
  activities?: unknown;
  afk?: boolean;
  status?: string;
}

/** What is called, read or replaced on a shard (lib/gateway/Shard.js). The library looks each method up again for every call. */
export interface ErisLikeShard {
  readonly id: number;
  connecting: boolean;
  discordServerTrace?: string[];
  lastHeartbeatAck: boolean;
  lastHeartbeatReceived: number | null;
  lastHeartbeatSent: number | null;
  latency: number;
  readonly presence: ErisLikePresence;
  ready: boolean;
  seq: number;
  sessionID: string | null;
  status: string;
  checkReady(): void;
  connect(): void;
  disconnect(): void;
  /** To the client's listeners and the shard's own. */
  emit(event: string, ...args: unknown[]): void;
  heartbeat(): void;
  onPacket(packet: GatewayPacket): void;
  reset(): void;
  restartGuildCreateTimeout(): void;
  sendWS(op: number, data: unknown): void;
}

/** What is replaced on the shard manager (lib/gateway/ShardManager.js): the library's own identify queue. */
export interface ErisLikeShardManager {
  spawn(id: number): void;
  get(id: number): unknown;
  connect(): void;
  tryConnect(): void;
  _readyPacketCB(): void;
}

/** What is called, read or replaced on the client's rate limits (lib/rest/RequestHandler.js). */
export interface ErisLikeRequestHandler {
  readonly ratelimits: Record<string, { readonly processing: boolean | NodeJS.Timeout }>;
  request(...request: ErisLikeRequest): Promise<unknown>;
}

export type ErisLikeRequest = [
  method: string,
  path: string,
  auth?: boolean,
  body?: object,
  file?: unknown,
  route?: string,
  /** Set by the library alone, where it tries a request again. */
  short?: boolean,
];

const CLIENT_PARTS = {
  methods: ['connect', 'emit', 'getChannel', 'on', 'removeAllListeners'],
  fields: [
    ...['guilds', 'unavailableGuilds', 'users', 'guildShardMap', 'channelGuildMap', 'threadGuildMap', 'presence'],
    ...['requestHandler', 'shards', 'voiceConnections'],
  ],
} as const;
const MANAGER_METHODS = ['spawn', 'get', 'connect', 'tryConnect', '_readyPacketCB'] as const;
const SHARD_PARTS = {
  methods: [
    ...['checkReady', 'connect', 'disconnect', 'emit', 'heartbeat', 'onPacket', 'reset', 'restartGuildCreateTimeout'],
    'sendWS',
  ],
  fields: ['lastHeartbeatAck', 'latency', 'presence', 'ready', 'seq', 'sessionID', 'status'],
} as const;

/** @throws Error where this library is built differently from the one that this room was written for. */
export function clientInternalsOf(client: object, library: ErisLikeLibrary): ErisLikeClient {
  requireParts(library, 'Client', client, CLIENT_PARTS.methods, CLIENT_PARTS.fields);
  const internals = client as unknown as ErisLikeClient;
  requireParts(library, 'ShardManager', internals.shards, MANAGER_METHODS, []);
  requireParts(library, 'RequestHandler', internals.requestHandler, ['request'], ['ratelimits']);
  return internals;
}

/** @throws Error where this library is built differently from the one that this room was written for. */
export function shardInternalsOf(shard: unknown, library: ErisLikeLibrary): ErisLikeShard {
  requireParts(library, 'Shard', shard, SHARD_PARTS.methods, SHARD_PARTS.fields);
  return shard as ErisLikeShard;
}

/** Emits to the shard's own listeners alone, the shard manager among them. */
export function emitOnShard(shard: ErisLikeShard, event: string, ...args: unknown[]): void {
  const emitter = Object.getPrototypeOf(Object.getPrototypeOf(shard)) as Pick<ErisLikeShard, 'emit'>;
  emitter.emit.call(shard, event, ...args);
}

function requireParts(
  { name, version, needs }: ErisLikeLibrary,
  className: string,
  value: unknown,
  methods: readonly string[],
  fields: readonly string[],
): asserts value is object {
  const parts = new Map<string, unknown>();
  if (typeof value === 'object' && value !== null) {
    for (const part of [...methods, ...fields]) if (part in value) parts.set(part, Reflect.get(value, part));
  }
  const missing = [
    ...methods.filter((method) => typeof parts.get(method) !== 'function').map((method) => `${className}.${method}()`),
    ...fields.filter((field) => !parts.has(field)).map((field) => `${className}.${field}`),
  ];
  if (missing.length > 0) {
    throw new Error(
      `${name} ${version} does not fit: it lacks ${missing.join(', ')}. This version of Kallisti needs ${name} ${needs}.`,
    );
  }
}
