import { type Client, Events, Status } from 'discord.js';
import { type GatewayPacket, knownDispatch } from '../../../core/discord/packets.js';
import type { ConnectionChange, DispatchMode, RawGuild } from '../ClientAdapter.js';
import type { HandlerIsolation } from '../HandlerIsolation.js';
import type { ConnectionManager } from './createClient.js';
import type { DiscordJsManager, DiscordJsShard } from './discordJsInternals.js';
import { forgetDeletedChannels } from './guildCache.js';

export interface ShardDriverHost {
  readonly client: Client;
  readonly ws: DiscordJsManager;
  readonly manager: ConnectionManager;
  readonly isolation: HandlerIsolation;
  readonly shardCount: number;
}

/** Too large to be copied as a whole. */
const BULKY: ReadonlySet<string> = new Set(['READY', 'GUILD_CREATE', 'GUILD_MEMBERS_CHUNK']);

/** Drives one shard of discord.js that has no socket: says to the client what its own connection would. */
export class ShardDriver {
  readonly #shard: DiscordJsShard;
  readonly #host: ShardDriverHost;
  #sessionId = '';
  /** Of a session of another process it is not known where that had got to. */
  #resumesBlindly = false;

  public constructor(shard: DiscordJsShard, host: ShardDriverHost) {
    this.#shard = shard;
    this.#host = host;
    // The gateway says when the guilds of READY are there.
    shard.checkReady = () => {};
  }

  public dispatch(packet: GatewayPacket, mode: DispatchMode): void {
    const { client, isolation } = this.#host;
    isolation.begin(mode === 'cacheOnly');
    let failure: { readonly error: unknown } | undefined;
    try {
      this.#count(packet);
      this.#apply(ownCopy(packet));
    } catch (error) {
      failure = { error };
    }
    isolation.end();
    if (failure !== undefined) client.emit(Events.Error, toError(failure.error));
  }

  public change({ state, sessionId, error, isFinal = false }: ConnectionChange): void {
    const shard = this.#shard;
    this.#sessionId = sessionId ?? '';
    switch (state) {
      case 'connecting':
        shard.status = Status.Connecting;
        break;
      case 'identifying':
        shard.status = Status.Identifying;
        shard.sessionInfo = null;
        break;
      case 'resuming':
        shard.status = Status.Resuming;
        this.#resumesBlindly = shard.sessionInfo === null;
        if (shard.sessionInfo !== null) shard.closeSequence = shard.sessionInfo.sequence;
        break;
      case 'ready':
        this.#becomeReady();
        break;
      case 'disconnected':
        this.#disconnected(error, isFinal);
    }
  }

  public measured(latencyMs: number): void {
    const event = {
      shardId: this.#shard.id,
      latency: latencyMs,
      ackAt: Date.now(),
      heartbeatAt: Date.now() - latencyMs,
    };
    this.#host.manager.emit('heartbeat' as Parameters<ConnectionManager['emit']>[0], event as never);
  }

  /** For the number of replayed events that `shardResume` tells. */
  #count({ s }: GatewayPacket): void {
    if (!s) return;
    const shard = this.#shard;
    const shardId = shard.id;
    const { shardCount } = this.#host;
    shard.sessionInfo = { resumeURL: '', sequence: s, sessionId: this.#sessionId, shardCount, shardId };
    if (this.#resumesBlindly) shard.closeSequence = s - 1;
    this.#resumesBlindly = false;
  }

  #apply(packet: GatewayPacket): void {
    const { client, manager } = this.#host;
    const shardId = this.#shard.id;
    const emit = (event: string, details: object): void => {
      manager.emit(event as Parameters<ConnectionManager['emit']>[0], { shardId, ...details } as never);
    };
    const known = knownDispatch(packet);
    switch (known?.t) {
      case 'READY':
        emit('ready', { data: known.d });
        emit('dispatch', { data: packet });
        return;
      case 'RESUMED':
        emit('resumed', {});
        emit('dispatch', { data: packet });
        return;
      case 'GUILD_CREATE':
        forgetDeletedChannels(client, known.d as unknown as RawGuild);
    }
    this.#asReady(() => emit('dispatch', { data: packet }));
    // READY's own guilds are ticked off where the shard is not taken to be ready, see above.
    if (known?.t === 'GUILD_CREATE' || known?.t === 'GUILD_DELETE') this.#shard.expectedGuilds?.delete(known.d.id);
  }

  /**
   * Until all shards are ready, discord.js keeps events back and tells them later, one in each turn of the event loop; until
   * this one is, it tells nobody of members at all. Each dispatch is dealt with in its own turn here, and a replayed one is told.
   */
  #asReady(work: () => void): void {
    const shard = this.#shard;
    const { ws } = this.#host;
    const [shardStatus, clientStatus] = [shard.status, ws.status];
    shard.status = Status.Ready;
    ws.status = Status.Ready;
    try {
      work();
    } finally {
      shard.status = shardStatus;
      ws.status = clientStatus;
    }
  }

  #becomeReady(): void {
    const shard = this.#shard;
    const isNew = shard.status === Status.WaitingForGuilds;
    shard.status = Status.Ready;
    // The client makes `shardReady` of it. After a RESUME it has made `shardResume` of RESUMED.
    if (!isNew) return;
    const missing = shard.expectedGuilds;
    shard.emit('allReady', missing !== null && missing.size > 0 ? missing : undefined);
  }

  #disconnected(error: Error | undefined, isFinal: boolean): void {
    const { client } = this.#host;
    const shard = this.#shard;
    const closeCode: unknown = error === undefined ? undefined : Reflect.get(error, 'code');
    const code = typeof closeCode === 'number' ? closeCode : 1000;
    const event = { code, reason: error?.message ?? '', wasClean: error === undefined };
    // As in discord.js, a close that Discord chose is no error of the shard.
    if (error !== undefined && typeof closeCode !== 'number') client.emit(Events.ShardError, error, shard.id);
    shard.emit('close', event);
    shard.status = isFinal ? Status.Disconnected : Status.Connecting;
    if (isFinal) client.emit(Events.ShardDisconnect, event, shard.id);
    else client.emit(Events.ShardReconnecting, shard.id);
  }
}

/**
 * discord.js writes its own objects into what it is given (the guild into a presence, the user into a message's member), and
 * these lead to the whole cache. Who reads the packet after it, the store say, must not meet them.
 */
function ownCopy(packet: GatewayPacket): GatewayPacket {
  if (!BULKY.has(String(packet.t))) return structuredClone(packet);
  const d = { ...(packet.d as { readonly presences?: unknown }) };
  if (Array.isArray(d.presences)) d.presences = d.presences.map((presence: object) => ({ ...presence }));
  return { ...packet, d };
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
