import type { Client } from 'oceanic.js';
import type { BotIdentity, GatewayPacket } from '../../../core/discord/packets.js';
import { shardIdOf } from '../../../core/discord/shardIdOf.js';
import type { PresenceData } from '../../gateway/Presence.js';
import type {
  CacheCounts,
  ClientAdapter,
  ClientSetup,
  ConnectionChange,
  ConnectionWishes,
  DispatchMode,
  RawGuild,
  RequestHow,
  RequestMethod,
  Summaries,
} from '../ClientAdapter.js';
import { HandlerIsolation } from '../HandlerIsolation.js';
import { BotDispatches } from './BotDispatches.js';
import type { ClientParts } from './createClient.js';
import { cacheGuild, cacheUnavailableGuild, countGuilds, lookUp, uncacheGuild } from './guildCache.js';
import { clientInternalsOf, identify, type OceanicInternals, shardInternalsOf } from './oceanicInternals.js';
import { RequestGate } from './RequestGate.js';
import { ShardDriver } from './ShardDriver.js';

/** A stock oceanic.js client that gets its packets from the gateway. */
export class OceanicAdapter implements ClientAdapter<Client> {
  public readonly client: Client;
  public readonly connection: ConnectionWishes;
  readonly #internals: OceanicInternals;
  readonly #requests: RequestGate;
  readonly #shardCount: number;
  readonly #drivers = new Map<number, ShardDriver>();

  /** @throws Error where the installed oceanic.js does not fit. */
  public constructor(setup: ClientSetup, { client, connection }: ClientParts) {
    const { log } = setup;
    this.client = client;
    this.connection = connection;
    this.#internals = clientInternalsOf(client);
    this.#requests = new RequestGate(this.#internals.handler, setup.sendRequest);
    this.#shardCount = setup.shardCount;
    const { shards, emitter } = this.#internals;
    const isolation = new HandlerIsolation(setup);
    isolation.guard(emitter, {
      heard: (event, [first, second]) => {
        const shardId = typeof second === 'number' ? second : undefined;
        if (event === 'error') log.clientError(first, shardId);
        else if (event === 'warn') log.clientWarning(first, shardId);
      },
    });
    isolation.guard(new BotDispatches(shards.dispatcher, (error, { id }) => void emitter.emit('error', error, id)));
    for (const shardId of setup.shardIds) {
      shards.spawn(shardId);
      const shard = shardInternalsOf(shards.get(shardId));
      isolation.guard(shard);
      this.#drivers.set(shardId, new ShardDriver(shard, { client, isolation, log }));
    }
  }

  public attach(send: (shardId: number, payload: GatewayPacket) => void): void {
    for (const [shardId, driver] of this.#drivers) driver.send = (payload) => send(shardId, payload);
  }

  public restoreIdentity(identity: BotIdentity): void {
    identify(this.client, identity);
  }

  public restorePresence(shardId: number, { activities, afk, status }: PresenceData): void {
    this.#drivers.get(shardId)?.restorePresence({ activities, afk, status });
  }

  public cacheGuild(shardId: number, guild: RawGuild): void {
    cacheGuild(this.client, shardId, guild);
  }

  public cacheUnavailableGuild(_shardId: number, guildId: string): void {
    cacheUnavailableGuild(this.client, guildId);
  }

  public uncacheGuild(guildId: string): void {
    uncacheGuild(this.client, guildId);
  }

  public guildIds(shardId: number): string[] {
    const { guildShardMap, unavailableGuilds } = this.client;
    const cached = [...guildShardMap].filter(([, ownShardId]) => ownShardId === shardId).map(([guildId]) => guildId);
    // oceanic.js does not say whose these are.
    const unavailable = [...unavailableGuilds.keys()].filter((id) => shardIdOf(id, this.#shardCount) === shardId);
    return [...new Set([...cached, ...unavailable])];
  }

  public counts(): CacheCounts {
    return { users: this.client.users.size, guilds: countGuilds(this.client) };
  }

  public lookUp<Kind extends keyof Summaries>(kind: Kind, id: string): Summaries[Kind] | null {
    return lookUp[kind](this.client, id);
  }

  public dispatch(shardId: number, packet: GatewayPacket, mode: DispatchMode): void {
    this.#drivers.get(shardId)?.dispatch(packet, mode);
  }

  public control(shardId: number, packet: GatewayPacket): void {
    this.#drivers.get(shardId)?.control(packet);
  }

  public shardState(shardId: number, change: ConnectionChange): void {
    this.#drivers.get(shardId)?.change(change);
  }

  public shardLatency(shardId: number, latencyMs: number): void {
    this.#drivers.get(shardId)?.measured(latencyMs);
  }

  public request(method: RequestMethod, path: string, json?: object, how: RequestHow = {}): Promise<unknown> {
    const { auth = true, lane: route } = how;
    return this.#internals.handler.request({ method, path, auth, ...(json && { json }), ...(route && { route }) });
  }

  public onRest(listener: (status: number, latencyMs: number) => void): void {
    this.#requests.onAnswer(listener);
  }

  public async stop(): Promise<void> {
    const { client } = this;
    for (const voice of [...client.voiceAdapters.values()]) (voice as { destroy(): void }).destroy();
    // First: what its requests have to say when they end is of no use.
    this.#internals.emitter.emit = () => false;
    this.#requests.stop();
    client.removeAllListeners();
  }
}
