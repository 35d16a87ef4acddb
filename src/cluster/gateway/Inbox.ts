import type { Client, RawPacket } from 'eris';
import { isIndigestible, repairInteraction } from '../clients/eris/dispatchRepairs.js';
import type { ErisShard } from '../clients/eris/erisInternals.js';
import { forgetChannels, forgetUnlistedUnavailable, forgetUsers, unlistedGuilds } from '../clients/eris/guildCache.js';
import type { HandlerIsolation } from '../clients/eris/HandlerIsolation.js';
import type { GatewayLog } from './GatewayLog.js';
import type { DispatchVerdict, GatewayOptions } from './GatewayOptions.js';
import { GuildArrival } from './GuildArrival.js';
import { type KnownDispatch, knownDispatch, type ReadyData } from './packets.js';

export interface InboxHost {
  readonly client: Client;
  readonly options: Pick<GatewayOptions, 'shardCount' | 'judgeDispatch' | 'runDispatch' | 'onDispatch'>;
  readonly isolation: HandlerIsolation;
  readonly log: GatewayLog;
}

/**
 * What one shard does with a dispatch: repairs what eris cannot digest, asks `judgeDispatch`, lets eris handle it, cleans up
 * what eris leaves behind in its caches, and tells `onDispatch`. Whatever throws on the way, the next packet is handled.
 */
export class Inbox {
  readonly #shard: ErisShard;
  readonly #host: InboxHost;
  readonly #handleInEris: (packet: RawPacket) => void;
  readonly #arrival: GuildArrival;
  #count = 0;

  /** @param handleInEris the shard's own `onPacket`. */
  public constructor(shard: ErisShard, host: InboxHost, handleInEris: (packet: RawPacket) => void) {
    this.#shard = shard;
    this.#host = host;
    this.#handleInEris = handleInEris;
    this.#arrival = new GuildArrival(shard, host.client.options.guildCreateTimeout ?? 2_000);
  }

  /** Dispatches dealt with since the process started. */
  public get count(): number {
    return this.#count;
  }

  public handle(packet: RawPacket): void {
    const { client, options } = this.#host;
    const dispatch = knownDispatch(packet);
    const left =
      dispatch?.t === 'GUILD_DELETE' && !dispatch.d.unavailable ? client.guilds.get(dispatch.d.id) : undefined;
    const isNew = dispatch?.t === 'GUILD_CREATE' && this.#isNew(dispatch.d.id);
    const verdict = this.#judge(packet, dispatch);
    if (dispatch !== undefined) this.#prepare(dispatch, verdict);
    // eris takes a guild that comes to a shard that is not ready for one that READY announced, and tells no handler.
    if (isNew) this.#shard.ready = true;
    this.#apply(packet, verdict);
    if (isNew) this.#shard.ready = false;
    if (left !== undefined && !client.guilds.has(left.id)) forgetUsers(client, left);
    // An awaited guild that does not come: eris does not think of that.
    if (dispatch?.t === 'GUILD_DELETE' || (dispatch?.t === 'GUILD_CREATE' && dispatch.d.unavailable))
      this.#arrival.check();
    this.#count++;
    try {
      options.onDispatch?.(this.#shard.id, packet);
    } catch (error) {
      this.#host.log.callbackError('onDispatch', this.#shard.id, error);
    }
  }

  /** The connection ends: a shard whose guilds are still missing does not get ready any more. */
  public cancel(): void {
    this.#arrival.cancel();
  }

  /** Whether a replayed GUILD_CREATE is for a guild that the bot has joined since. */
  #isNew(guildId: string): boolean {
    return this.#shard.status === 'resuming' && !this.#arrival.awaits(guildId);
  }

  #prepare(dispatch: KnownDispatch, verdict: DispatchVerdict): void {
    const { client } = this.#host;
    switch (dispatch.t) {
      case 'READY':
        this.#prepareReady(dispatch.d);
        break;
      case 'GUILD_CREATE':
        this.#arrival.settle(dispatch.d.id);
        break;
      case 'GUILD_DELETE':
        this.#arrival.settle(dispatch.d.id);
        // One that is skipped is in the cache already, and the guild may have come back since.
        if (verdict !== 'skip') forgetChannels(client, dispatch.d.id);
        break;
      case 'INTERACTION_CREATE':
        repairInteraction(client, dispatch.d);
        break;
    }
  }

  #prepareReady(ready: ReadyData): void {
    const { client, options } = this.#host;
    ready.private_channels ??= [];
    const listed = new Set(ready.guilds.map(({ id }) => id));
    // The bot left these while its session was lost, and its handlers have not heard of it.
    for (const id of unlistedGuilds(client, this.#shard.id, listed))
      this.handle({ op: 0, t: 'GUILD_DELETE', d: { id } });
    forgetUnlistedUnavailable(client, this.#shard.id, options.shardCount, listed);
    // eris drops the listed ones until they arrive.
    for (const id of listed) forgetChannels(client, id);
    this.#arrival.begin(ready.guilds.filter(({ unavailable }) => unavailable === true).map(({ id }) => id));
  }

  #judge(packet: RawPacket, dispatch: KnownDispatch | undefined): DispatchVerdict {
    const { client, options, log } = this.#host;
    if (dispatch?.t === 'READY' || dispatch?.t === 'RESUMED') return 'handle';
    if (dispatch !== undefined && isIndigestible(client, dispatch)) return 'skip';
    // Without a number it is one of our own, see #prepareReady.
    if (options.judgeDispatch === undefined || packet.s === undefined) return 'handle';
    try {
      return options.judgeDispatch(this.#shard.id, packet);
    } catch (error) {
      log.callbackError('judgeDispatch', this.#shard.id, error);
      return 'handle';
    }
  }

  #apply(packet: RawPacket, verdict: DispatchVerdict): void {
    if (verdict === 'skip') {
      if (packet.s) this.#shard.seq = packet.s;
      return;
    }
    const { runDispatch } = this.#host.options;
    const work = (): void => this.#handleInEris(packet);
    try {
      if (verdict === 'mute') this.#host.isolation.mute(work);
      else if (runDispatch === undefined) work();
      else runDispatch(this.#shard.id, packet, work);
    } catch (error) {
      // As eris does, but before onDispatch: the sequence number has moved on although the packet was not handled.
      this.#host.client.emit('error', error instanceof Error ? error : new Error(String(error)), this.#shard.id);
    }
  }
}
