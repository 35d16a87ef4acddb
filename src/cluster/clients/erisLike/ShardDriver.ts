import { Opcode } from '../../../core/discord/gatewayCodes.js';
import {
  type GatewayPacket,
  type GuildData,
  type KnownDispatch,
  knownDispatch,
  type ReadyData,
} from '../../../core/discord/packets.js';
import type { ClientLog, ConnectionChange, DispatchMode } from '../ClientAdapter.js';
import { forgetUsers } from '../forgetUsers.js';
import type { HandlerIsolation } from '../HandlerIsolation.js';
import type { ErisLikeLibrary } from './ErisLikeLibrary.js';
import { type ErisLikeClient, type ErisLikeShard, emitOnShard } from './erisLikeInternals.js';
import { forgetChannels } from './guildCache.js';
import { isIndigestible } from './isIndigestible.js';

const KNOWN_TO_LIBRARY: ReadonlySet<number> = new Set([
  Opcode.HEARTBEAT,
  Opcode.RECONNECT,
  Opcode.INVALID_SESSION,
  Opcode.HELLO,
  Opcode.HEARTBEAT_ACK,
]);

/**
 * Of these the library makes something else: it puts the user's id where the thread's was. Who reads the packet after it, the store
 * say, needs the thread's.
 */
const REWRITTEN: ReadonlySet<string> = new Set(['THREAD_MEMBER_UPDATE', 'THREAD_MEMBERS_UPDATE']);

export interface ShardDriverHost {
  readonly client: ErisLikeClient;
  readonly library: ErisLikeLibrary;
  readonly isolation: HandlerIsolation;
  readonly log: ClientLog;
}

/**
 * Drives one shard that has no socket: hands dispatches to it, repairs what it cannot digest, cleans up what it leaves
 * behind in the caches, and lets it look and emit as if it were connected by itself.
 */
export class ShardDriver {
  readonly #shard: ErisLikeShard;
  readonly #host: ShardDriverHost;
  /** What READY has announced and what has not come yet, over all connections of the session. */
  readonly #awaitedGuilds = new Set<string>();
  #guildsArrived = false;

  public constructor(shard: ErisLikeShard, host: ShardDriverHost) {
    this.#shard = shard;
    this.#host = host;
    shard.connect = () => this.#refuse('connect');
    shard.disconnect = () => this.#refuse('disconnect');
    // The gateway's are the ones that count.
    shard.heartbeat = () => {};
    // The library waits for the unavailable guilds of all shards of the process; the gateway says when this shard's are there.
    shard.restartGuildCreateTimeout = () => {};
    const checkReady = shard.checkReady.bind(shard);
    // Also called by the library when the members of a guild have come, for its option `getAllUsers`.
    shard.checkReady = () => {
      if (this.#guildsArrived) checkReady();
    };
  }

  public set send(send: (payload: GatewayPacket) => void) {
    this.#shard.sendWS = (op, d) => send({ op, d });
  }

  public restorePresence(presence: object): void {
    Object.assign(this.#shard.presence, presence);
  }

  public dispatch(packet: GatewayPacket, mode: DispatchMode): void {
    const known = knownDispatch(packet);
    if (known === undefined) this.#apply(packet, mode);
    else this.#handle(packet, known, mode);
  }

  public control(packet: GatewayPacket): void {
    const shard = this.#shard;
    shard.emit('rawWS', packet, shard.id);
    if (packet.op === Opcode.HELLO) {
      const { _trace: trace } = packet.d as { readonly _trace?: string[] };
      if (trace !== undefined) shard.discordServerTrace = trace;
      shard.emit('hello', trace, shard.id);
    } else if (packet.op === Opcode.HEARTBEAT_ACK) {
      shard.lastHeartbeatAck = true;
    } else if (!KNOWN_TO_LIBRARY.has(packet.op)) {
      shard.emit('unknown', packet, shard.id);
    }
  }

  public change({ state, sessionId, error }: ConnectionChange): void {
    const shard = this.#shard;
    // For VOICE_SERVER_UPDATE.
    shard.sessionID = sessionId;
    switch (state) {
      case 'connecting':
        shard.status = 'connecting';
        shard.connecting = true;
        break;
      case 'open':
        shard.status = 'handshaking';
        shard.emit('connect', shard.id);
        break;
      case 'identifying':
      case 'resuming':
        shard.status = state;
        shard.connecting = false;
        break;
      case 'ready':
        this.#guildsArrived = true;
        shard.checkReady();
        break;
      case 'disconnected':
        this.#guildsArrived = false;
        this.#host.library.beforeReset(shard);
        shard.reset();
        if (error !== undefined) shard.emit('error', error, shard.id);
        emitOnShard(shard, 'disconnect', error);
    }
  }

  public measured(latencyMs: number): void {
    const shard = this.#shard;
    shard.latency = latencyMs;
    shard.lastHeartbeatReceived = Date.now();
    shard.lastHeartbeatSent = shard.lastHeartbeatReceived - latencyMs;
  }

  #handle(packet: GatewayPacket, known: KnownDispatch, mode: DispatchMode): void {
    const { client, library } = this.#host;
    if (isIndigestible(client, known)) {
      this.#shard.seq = packet.s ?? this.#shard.seq;
      return;
    }
    switch (known.t) {
      case 'READY':
        this.#prepareReady(known.d);
        this.#establish(packet);
        break;
      case 'RESUMED':
        this.#establish(packet);
        break;
      case 'GUILD_CREATE':
        this.#createGuild(packet, known.d.id, mode);
        break;
      case 'GUILD_DELETE':
        this.#deleteGuild(packet, known.d, mode);
        break;
      case 'INTERACTION_CREATE':
        library.repairInteraction(client, known.d);
        this.#apply(packet, mode);
        break;
      default:
        this.#apply(packet, mode);
    }
  }

  #prepareReady(ready: ReadyData): void {
    ready.private_channels ??= [];
    this.#awaitedGuilds.clear();
    for (const { id, unavailable } of ready.guilds) {
      if (unavailable === true) this.#awaitedGuilds.add(id);
      // The library drops it until it arrives.
      forgetChannels(this.#host.client, id);
    }
  }

  #establish(packet: GatewayPacket): void {
    const { presence } = this.#shard;
    // The library takes the bot to be online from here on, whatever status it was given.
    const { status } = presence;
    this.#apply(packet, 'emit');
    if (status !== undefined) presence.status = status;
  }

  #createGuild(packet: GatewayPacket, guildId: string, mode: DispatchMode): void {
    const shard = this.#shard;
    const isAwaited = this.#awaitedGuilds.delete(guildId);
    // The library takes a guild that comes to a shard that is not ready for one that READY announced, and tells no handler. One that is
    // replayed may be one that the bot has joined since.
    const isNew = shard.status === 'resuming' && !isAwaited;
    if (isNew) shard.ready = true;
    this.#apply(packet, mode);
    if (isNew) shard.ready = false;
  }

  #deleteGuild(packet: GatewayPacket, { id, unavailable }: GuildData, mode: DispatchMode): void {
    const { client } = this.#host;
    const left = unavailable === true ? undefined : client.guilds.get(id);
    this.#awaitedGuilds.delete(id);
    forgetChannels(client, id);
    this.#apply(packet, mode);
    if (left !== undefined && !client.guilds.has(id)) forgetUsers(client, left, client.user?.id);
    // The library keeps one that the bot left while it was unavailable.
    if (unavailable !== true) client.unavailableGuilds.delete(id);
  }

  #apply(packet: GatewayPacket, mode: DispatchMode): void {
    const { isolation, client } = this.#host;
    isolation.begin(mode === 'cacheOnly');
    let failure: Error | undefined;
    try {
      this.#shard.onPacket(REWRITTEN.has(String(packet.t)) ? structuredClone(packet) : packet);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    isolation.end();
    // As the library does it.
    if (failure !== undefined) client.emit('error', failure, this.#shard.id);
  }

  #refuse(method: string): void {
    this.#host.log.clientWarning(`the gateway connects its shards: ${method}() of one does nothing`, this.#shard.id);
  }
}
