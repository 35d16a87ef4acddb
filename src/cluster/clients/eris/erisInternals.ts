import { type Client, type Shard, VERSION } from 'eris';
import type { GatewayPacket } from '../../../core/discord/packets.js';
import type { HandlerEmitter } from '../HandlerIsolation.js';

/** What is called, read or replaced on an eris shard (lib/gateway/Shard.js). eris looks each method up again for every call. */
export interface ErisShard
  extends Pick<
    Shard,
    | 'connecting'
    | 'discordServerTrace'
    | 'id'
    | 'lastHeartbeatAck'
    | 'lastHeartbeatReceived'
    | 'lastHeartbeatSent'
    | 'latency'
    | 'presence'
    | 'ready'
    | 'seq'
    | 'sessionID'
    | 'status'
  > {
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

/** What is replaced on the shard manager (lib/gateway/ShardManager.js): eris's own identify queue. */
export interface ErisShardManager {
  spawn(id: number): void;
  get(id: number): Shard | undefined;
  connect(): void;
  tryConnect(): void;
  _readyPacketCB(): void;
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
  'emit',
  'heartbeat',
  'onPacket',
  'reset',
  'restartGuildCreateTimeout',
  'sendWS',
] as const satisfies readonly (keyof ErisShard)[];
const SHARD_FIELDS = [
  'lastHeartbeatAck',
  'latency',
  'presence',
  'ready',
  'seq',
  'sessionID',
  'status',
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

/** Emits to the shard's own listeners alone, the shard manager among them. */
export function emitOnShard(shard: ErisShard, event: string, ...args: unknown[]): void {
  const emitter = Object.getPrototypeOf(Object.getPrototypeOf(shard)) as Pick<ErisShard, 'emit'>;
  emitter.emit.call(shard, event, ...args);
}

/** eris looks `emit` up for every event (Shard.emit), so that one on the instance is enough. */
export function emitterOf(client: Client): HandlerEmitter {
  return client as unknown as HandlerEmitter;
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
