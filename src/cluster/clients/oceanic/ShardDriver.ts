import type { Client } from 'oceanic.js';
import { Opcode } from '../../../core/discord/gatewayCodes.js';
import { type GatewayPacket, type GuildData, knownDispatch } from '../../../core/discord/packets.js';
import type { ClientLog, ConnectionChange, DispatchMode, RawGuild } from '../ClientAdapter.js';
import { forgetUsers } from '../forgetUsers.js';
import type { HandlerIsolation } from '../HandlerIsolation.js';
import { forgetGuild, ownPresences } from './guildCache.js';
import type { OceanicShard } from './oceanicInternals.js';

export interface ShardDriverHost {
  readonly client: Client;
  readonly isolation: HandlerIsolation;
  readonly log: ClientLog;
}

/** Drives one shard of oceanic.js that has no socket: hands dispatches to it, and lets it look and emit as if it were connected. */
export class ShardDriver {
  readonly #shard: OceanicShard;
  readonly #host: ShardDriverHost;
  #guildsArrived = false;

  public constructor(shard: OceanicShard, host: ShardDriverHost) {
    this.#shard = shard;
    this.#host = host;
    shard.connect = async () => this.#refuse('connect');
    shard.disconnect = () => this.#refuse('disconnect');
    // The gateway's are the ones that count.
    shard.heartbeat = () => {};
    // oceanic.js waits for the unavailable guilds of all shards of the process; the gateway says when this shard's are there.
    shard.restartGuildCreateTimeout = async () => {};
    const checkReady = shard.checkReady.bind(shard);
    shard.checkReady = async () => {
      if (this.#guildsArrived) await checkReady();
    };
  }

  public set send(send: (payload: GatewayPacket) => void) {
    this.#shard.send = (op, d) => send({ op, d });
  }

  public restorePresence(presence: object): void {
    this.#shard.presence = structuredClone(presence);
  }

  public dispatch(packet: GatewayPacket, mode: DispatchMode): void {
    const { client } = this.#host;
    const known = knownDispatch(packet);
    switch (known?.t) {
      case 'READY':
        for (const { id } of known.d.guilds) forgetGuild(client, id);
        // Not every proxy sends the address, and oceanic.js reads it.
        this.#apply({ ...packet, d: { resume_gateway_url: '', ...known.d } }, 'emit');
        break;
      case 'RESUMED':
        // It becomes ready by this.
        this.#guildsArrived = true;
        this.#apply(packet, 'emit');
        break;
      case 'GUILD_CREATE':
        this.#createGuild(packet, known.d, mode);
        break;
      case 'GUILD_DELETE':
        this.#deleteGuild(packet, known.d, mode);
        break;
      default:
        this.#apply(packet, mode);
    }
  }

  public control({ op, d }: GatewayPacket): void {
    const shard = this.#shard;
    if (op === Opcode.HEARTBEAT_ACK) shard.lastHeartbeatAck = true;
    else if (op === Opcode.HELLO) {
      this.#host.client.emit('hello', (d as { readonly heartbeat_interval: number }).heartbeat_interval, shard.id);
    }
  }

  public change({ state, sessionId, error, isFinal = false }: ConnectionChange): void {
    const shard = this.#shard;
    shard.sessionID = sessionId;
    switch (state) {
      case 'connecting':
        shard.status = 'connecting';
        shard.connecting = true;
        break;
      case 'open':
        shard.status = 'handshaking';
        this.#host.client.emit('connect', shard.id);
        break;
      case 'identifying':
        // To oceanic.js this is a handshake still.
        shard.connecting = false;
        break;
      case 'resuming':
        shard.status = state;
        shard.connecting = false;
        break;
      case 'ready':
        this.#guildsArrived = true;
        void shard.checkReady();
        break;
      case 'disconnected':
        this.#disconnected(error, isFinal);
    }
  }

  public measured(latencyMs: number): void {
    const shard = this.#shard;
    shard.latency = latencyMs;
    shard.lastHeartbeatReceived = Date.now();
    shard.lastHeartbeatSent = shard.lastHeartbeatReceived - latencyMs;
  }

  #createGuild(packet: GatewayPacket, guild: GuildData, mode: DispatchMode): void {
    if (guild.unavailable === true) {
      this.#apply(packet, mode);
      return;
    }
    forgetGuild(this.#host.client, guild.id);
    this.#apply({ ...packet, d: ownPresences(guild as RawGuild) }, mode);
  }

  #deleteGuild(packet: GatewayPacket, { id, unavailable }: GuildData, mode: DispatchMode): void {
    const { client } = this.#host;
    const left = unavailable === true ? undefined : client.guilds.get(id);
    this.#apply(packet, mode);
    if (left !== undefined) forgetUsers(client, left, client.user.id);
    // oceanic.js keeps one that the bot left while it was unavailable.
    if (unavailable !== true) client.unavailableGuilds.delete(id);
  }

  #apply(packet: GatewayPacket, mode: DispatchMode): void {
    const { isolation, client } = this.#host;
    isolation.begin(mode === 'cacheOnly');
    let failure: Error | undefined;
    try {
      this.#shard.onPacket(packet);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    isolation.end();
    if (failure !== undefined) client.emit('error', failure, this.#shard.id);
  }

  #disconnected(error: Error | undefined, isFinal: boolean): void {
    const { client } = this.#host;
    const shard = this.#shard;
    this.#guildsArrived = false;
    // What has been asked over this connection is not answered any more; oceanic.js would wait.
    for (const requests of [shard._requestChannelInfoPromise, shard._requestSoundboardSoundsPromise]) {
      for (const [nonce, { timeout, reject }] of Object.entries(requests)) {
        clearTimeout(timeout);
        delete requests[nonce];
        reject(new Error('The shard was disconnected.'));
      }
    }
    shard.reset();
    if (error !== undefined) client.emit('error', error, shard.id);
    shard.emit('disconnect', error);
    if (!isFinal) return;
    for (const [guildId, voice] of [...client.voiceAdapters]) {
      if (client.guildShardMap.get(guildId) === shard.id) (voice as { destroy(): void }).destroy();
    }
  }

  #refuse(method: string): void {
    this.#host.log.clientWarning(`the gateway connects its shards: ${method}() of one does nothing`, this.#shard.id);
  }
}
