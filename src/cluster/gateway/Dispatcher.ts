import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { BotIdentity, GatewayPacket, KnownDispatch, ReadyData } from '../../core/discord/packets.js';
import type { ClientAdapter, ListenerPromises } from '../clients/ClientAdapter.js';
import type { GatewayLog } from './GatewayLog.js';
import type { DispatchVerdict, GatewayOptions } from './GatewayOptions.js';

export interface DispatcherHost {
  readonly adapter: Pick<ClientAdapter, 'dispatch' | 'guildIds'>;
  readonly options: Pick<GatewayOptions, 'judgeDispatch' | 'onEvent' | 'onDispatch'>;
  readonly log: GatewayLog;
  /** READY, or a dispatch since, says who the bot is. */
  identified(identity: Partial<BotIdentity>): void;
}

const NO_PROMISES: ListenerPromises = [];

/**
 * What one shard does with a dispatch: asks `judgeDispatch`, lets the client handle it, and tells `onEvent` and `onDispatch`.
 * Whatever throws on the way, the next packet is handled.
 */
export class Dispatcher {
  readonly #shardId: number;
  readonly #host: DispatcherHost;
  #count = 0;

  public constructor(shardId: number, host: DispatcherHost) {
    this.#shardId = shardId;
    this.#host = host;
  }

  /** Dispatches dealt with since the process started. */
  public get count(): number {
    return this.#count;
  }

  /** @param known the same packet, where it is one that the gateway looks into. */
  public handle(packet: GatewayPacket, known: KnownDispatch | undefined): void {
    const { options, log } = this.#host;
    if (known !== undefined) this.#note(known);
    const verdict = this.#judge(packet, known);
    const promises = verdict === 'skip' ? NO_PROMISES : this.#giveToClient(packet, verdict);
    this.#count++;
    try {
      if (verdict === 'handle') options.onEvent?.(this.#shardId, packet);
    } catch (error) {
      log.callbackError('onEvent', this.#shardId, error);
    }
    try {
      options.onDispatch?.(this.#shardId, packet, promises);
    } catch (error) {
      log.callbackError('onDispatch', this.#shardId, error);
    }
  }

  #note(known: KnownDispatch): void {
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
    for (const id of unlisted) this.handle({ op: Opcode.DISPATCH, t: 'GUILD_DELETE', d: { id } }, undefined);
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

  #giveToClient(packet: GatewayPacket, verdict: 'handle' | 'mute'): ListenerPromises {
    try {
      return this.#host.adapter.dispatch(this.#shardId, packet, verdict === 'mute' ? 'cacheOnly' : 'emit');
    } catch (error) {
      this.#host.log.callbackError('The adapter of the client library', this.#shardId, error);
      return NO_PROMISES;
    }
  }
}
