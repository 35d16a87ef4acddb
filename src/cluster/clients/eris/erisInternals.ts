import { type Client, type RawPacket, type Shard, VERSION } from 'eris';
import type { WebSocket } from 'ws';

/** What eris's typings leave out of a rate limit's bucket (lib/util/Bucket.js). */
export interface ErisBucket {
  readonly _queue: unknown[];
  timeout?: NodeJS.Timeout | null;
}

/**
 * What the gateway calls, reads or replaces on an eris shard (lib/gateway/Shard.js). Every method named here is replaced on
 * the instance: eris looks each of them up again for every call.
 */
export interface ErisShard
  extends Pick<
    Shard,
    | 'id'
    | 'checkReady'
    | 'connect'
    | 'heartbeat'
    | 'heartbeatInterval'
    | 'guildCreateTimeout'
    | 'identify'
    | 'lastHeartbeatAck'
    | 'lastHeartbeatSent'
    | 'latency'
    | 'onPacket'
    | 'preReady'
    | 'presence'
    | 'ready'
    | 'restartGuildCreateTimeout'
    | 'resume'
    | 'resumeURL'
    | 'sendStatusUpdate'
    | 'sendWS'
    | 'seq'
    | 'sessionID'
    | 'status'
  > {
  ws: WebSocket | null;
  globalBucket: ErisBucket;
  presenceUpdateBucket: ErisBucket;
  disconnect(options?: DisconnectOptions | null, error?: Error): void;
  wsEvent(packet: RawPacket): void;
  on(event: 'ready' | 'resume', listener: () => void): unknown;
  _onWSClose(code: number, reason: Buffer): void;
  _onWSError(error: Error): void;
}

export interface DisconnectOptions {
  /** `auto` reconnects, `true` keeps the session for later, `false` gives it up. */
  readonly reconnect?: boolean | 'auto';
}

/** What the gateway replaces on the shard manager (lib/gateway/ShardManager.js): eris's own identify queue. */
export interface ErisShardManager {
  spawn(id: number): void;
  get(id: number): Shard | undefined;
  connect(shard: { readonly id: number }): void;
  tryConnect(): void;
  _readyPacketCB(shardId: number): void;
}

type Listener = (...args: unknown[]) => unknown;

/** The client as an emitter: `emit` is replaced, and eris looks it up again for every event. */
export interface ErisEmitter {
  emit(event: string, ...args: unknown[]): boolean;
  /** Missing where `eventemitter3` is installed: eris prefers it to Node's. */
  readonly rawListeners?: (event: string) => Listener[];
}

/** The client's rate-limit queues (lib/util/SequentialBucket.js). */
export interface ErisRequestQueue {
  readonly _queue: ((done: () => void) => void)[];
  processing: boolean | NodeJS.Timeout;
}

const MANAGER_METHODS = ['spawn', 'get', 'connect', 'tryConnect', '_readyPacketCB'] as const;
const SHARD_METHODS = [
  'checkReady',
  'connect',
  'disconnect',
  'heartbeat',
  'identify',
  'onPacket',
  'restartGuildCreateTimeout',
  'resume',
  'sendStatusUpdate',
  'sendWS',
  'wsEvent',
  '_onWSClose',
  '_onWSError',
] as const satisfies readonly (keyof ErisShard)[];
const SHARD_FIELDS = [
  'globalBucket',
  'guildCreateTimeout',
  'heartbeatInterval',
  'lastHeartbeatAck',
  'latency',
  'presence',
  'presenceUpdateBucket',
  'ready',
  'resumeURL',
  'seq',
  'sessionID',
  'status',
  'ws',
] as const satisfies readonly (keyof ErisShard)[];

/** @throws Error where this eris is built differently from the one that this room was written for. */
export function shardManagerOf(client: Client): ErisShardManager {
  const manager: unknown = client.shards;
  requireParts('ShardManager', manager, MANAGER_METHODS, []);
  return manager as ErisShardManager;
}

/** @throws Error where this eris is built differently from the one that this room was written for. */
export function shardInternalsOf(shard: Shard | undefined): ErisShard {
  requireParts('Shard', shard, SHARD_METHODS, SHARD_FIELDS);
  return shard as unknown as ErisShard;
}

export function emitterOf(client: Client): ErisEmitter {
  return client as unknown as ErisEmitter;
}

export function requestQueuesOf(client: Client): ErisRequestQueue[] {
  return Object.values(client.requestHandler.ratelimits) as unknown as ErisRequestQueue[];
}

function requireParts(
  className: string,
  value: unknown,
  methods: readonly string[],
  fields: readonly string[],
): asserts value is object {
  const parts = new Map<string, unknown>();
  if (typeof value === 'object' && value !== null) {
    for (const name of [...methods, ...fields]) if (name in value) parts.set(name, Reflect.get(value, name));
  }
  const missing = [
    ...methods.filter((name) => typeof parts.get(name) !== 'function').map((name) => `${className}.${name}()`),
    ...fields.filter((name) => !parts.has(name)).map((name) => `${className}.${name}`),
  ];
  if (missing.length > 0) {
    throw new Error(
      `eris ${VERSION} does not fit: it lacks ${missing.join(', ')}. This version of Kallisti needs eris 0.18.0.`,
    );
  }
}
