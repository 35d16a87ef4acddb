import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { BotIdentity, GatewayPacket, KnownDispatch, ReadyData } from '../../core/discord/packets.js';
import type { ClientAdapter, ConnectionChange, DispatchMode } from '../clients/ClientAdapter.js';
import type { GatewayLog } from './GatewayLog.js';
import type { DispatchVerdict, GatewayOptions } from './GatewayOptions.js';
import { GuildArrival } from './GuildArrival.js';

export interface ClientSideHost {
  readonly adapter: ClientAdapter;
  readonly options: Pick<GatewayOptions, 'judgeDispatch' | 'runDispatch' | 'onEvent' | 'onDispatch' | 'onHeartbeat'>;
  readonly log: GatewayLog;
  /** READY, or a dispatch since, says who the bot is. */
  identified(identity: Partial<BotIdentity>): void;
}

/**
 * One shard as the client library, the store and the commands see it: its dispatches, its state, and when its guilds are there.
 * Whatever throws on the way is logged, and the next packet is handled.
 */
export class ClientSide {
  readonly #shardId: number;
  readonly #host: ClientSideHost;
  readonly #arrival: GuildArrival;
  #count = 0;

  /** @param onArrived READY's guilds are there. */
  public constructor(shardId: number, host: ClientSideHost, onArrived: () => void) {
    this.#shardId = shardId;
    this.#host = host;
    this.#arrival = new GuildArrival(host.adapter.connection.guildTimeoutMs, onArrived);
  }

  /** Dispatches dealt with since the process started. */
  public get count(): number {
    return this.#count;
  }

  /**
   * @param known the same packet, where it is one that the gateway looks into.
   * @param text see `GatewayOptions.runDispatch`.
   */
  public dispatch(packet: GatewayPacket, known: KnownDispatch | undefined, text: string): void {
    const { options, log } = this.#host;
    if (known !== undefined) this.#prepare(known);
    const verdict = this.#judge(packet, known);
    if (verdict === 'mute') this.#giveToClient(packet, 'cacheOnly');
    else if (verdict === 'handle') this.#handle(packet, text);
    this.#count++;
    try {
      options.onDispatch?.(this.#shardId, packet);
    } catch (error) {
      log.callbackError('onDispatch', this.#shardId, error);
    }
    if (known?.t === 'GUILD_CREATE' || known?.t === 'GUILD_DELETE') this.#arrival.settle(known.d.id);
  }

  /** See `Gateway.repeat`. */
  public repeat(packet: GatewayPacket, run: (emit: () => void) => void): void {
    run(() => this.#emit(packet));
  }

  public heartbeatDue(): void {
    try {
      this.#host.options.onHeartbeat?.(this.#shardId);
    } catch (error) {
      this.#host.log.callbackError('onHeartbeat', this.#shardId, error);
    }
  }

  /** READY was handled: calls `onArrived` when its guilds are there. */
  public awaitGuilds({ guilds }: ReadyData): void {
    this.#arrival.begin(guilds.filter(({ unavailable }) => unavailable === true).map(({ id }) => id));
  }

  public control(packet: GatewayPacket): void {
    this.#tell((adapter) => adapter.control(this.#shardId, packet));
  }

  public measured(latencyMs: number): void {
    this.#tell((adapter) => adapter.shardLatency(this.#shardId, latencyMs));
  }

  public changed(change: ConnectionChange): void {
    if (change.state === 'disconnected') this.#arrival.cancel();
    this.#tell((adapter) => adapter.shardState(this.#shardId, change));
  }

  #prepare(known: KnownDispatch): void {
    if (known.t === 'USER_UPDATE') this.#host.identified({ user: known.d });
    else if (known.t === 'READY') {
      this.#host.identified({ user: known.d.user, application: known.d.application });
      this.#removeUnlistedGuilds(known.d);
    }
  }

  /** The bot left these while its session was lost, and its listeners have not heard of it. */
  #removeUnlistedGuilds({ guilds }: ReadyData): void {
    const listed = new Set(guilds.map(({ id }) => id));
    const unlisted = [...this.#host.adapter.guildIds(this.#shardId)].filter((id) => !listed.has(id));
    for (const id of unlisted) this.dispatch({ op: Opcode.DISPATCH, t: 'GUILD_DELETE', d: { id } }, undefined, '');
  }

  #judge(packet: GatewayPacket, known: KnownDispatch | undefined): DispatchVerdict {
    const { judgeDispatch } = this.#host.options;
    if (known?.t === 'READY' || known?.t === 'RESUMED') return 'handle';
    // Without a number it is one of our own.
    if (judgeDispatch === undefined || packet.s === undefined) return 'handle';
    try {
      return judgeDispatch(this.#shardId, packet);
    } catch (error) {
      this.#host.log.callbackError('judgeDispatch', this.#shardId, error);
      return 'handle';
    }
  }

  #handle(packet: GatewayPacket, text: string): void {
    const { runDispatch } = this.#host.options;
    if (runDispatch === undefined) this.#emit(packet);
    else runDispatch(this.#shardId, packet, text, () => this.#emit(packet));
  }

  /** The client's listeners first, then the commands. */
  #emit(packet: GatewayPacket): void {
    this.#giveToClient(packet, 'emit');
    try {
      this.#host.options.onEvent?.(this.#shardId, packet);
    } catch (error) {
      this.#host.log.callbackError('onEvent', this.#shardId, error);
    }
  }

  #giveToClient(packet: GatewayPacket, mode: DispatchMode): void {
    this.#tell((adapter) => adapter.dispatch(this.#shardId, packet, mode));
  }

  #tell(tell: (adapter: ClientAdapter) => void): void {
    try {
      tell(this.#host.adapter);
    } catch (error) {
      this.#host.log.callbackError('The adapter of the client library', this.#shardId, error);
    }
  }
}
