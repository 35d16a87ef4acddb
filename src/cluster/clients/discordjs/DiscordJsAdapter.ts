import { Client, Events, GatewayIntentBits, type RequestMethod as LibraryMethod, Status } from 'discord.js';
import type { BotIdentity, GatewayPacket } from '../../../core/discord/packets.js';
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
import type { ClientParts } from './createClient.js';
import {
  clientInternalsOf,
  type DiscordJsManager,
  emitterOf,
  identify,
  shardInternalsOf,
} from './discordJsInternals.js';
import { cacheGuild, cacheUnavailableGuild, countGuilds, lookUp, uncacheGuild } from './guildCache.js';
import { ShardDriver } from './ShardDriver.js';

/** A stock discord.js client that gets its packets from the gateway. */
export class DiscordJsAdapter implements ClientAdapter<Client> {
  public readonly client: Client;
  public readonly connection: ConnectionWishes;
  readonly #parts: ClientParts;
  readonly #ws: DiscordJsManager;
  readonly #drivers = new Map<number, ShardDriver>();
  /** Shards whose guilds are cached. */
  readonly #filled = new Set<number>();

  /** @throws Error where the installed discord.js does not fit. */
  public constructor(setup: ClientSetup, parts: ClientParts) {
    const { client, manager } = parts;
    const { log, shardCount } = setup;
    this.client = client;
    this.#parts = parts;
    this.#ws = clientInternalsOf(client).ws;
    this.connection = connectionWishes(client);
    const isolation = new HandlerIsolation(setup);
    isolation.guard(emitterOf(client), {
      rejectionsAreErrors: true,
      heard: (event, [first, second]) => {
        if (event === Events.Error) log.clientError(first, undefined);
        else if (event === Events.ShardError) log.clientError(first, Number(second));
        else if (event === Events.Warn) log.clientWarning(first, undefined);
      },
    });
    isolation.guard(this.#ws);
    for (const shardId of setup.shardIds) {
      const shard = shardInternalsOf(client, shardId);
      isolation.guard(shard);
      this.#drivers.set(shardId, new ShardDriver(shard, { client, ws: this.#ws, manager, isolation, shardCount }));
    }
  }

  public attach(send: (shardId: number, payload: GatewayPacket) => void): void {
    this.#parts.outlet.send = send;
  }

  public restoreIdentity(identity: BotIdentity): void {
    identify(this.client, identity);
  }

  /** discord.js knows one presence for all shards: the last that was set. */
  public restorePresence(_shardId: number, presence: PresenceData): void {
    clientInternalsOf(this.client).presence._patch(structuredClone(presence));
  }

  public cacheGuild(shardId: number, guild: RawGuild): void {
    cacheGuild(this.client, shardId, guild);
  }

  public cacheUnavailableGuild(shardId: number, guildId: string): void {
    cacheUnavailableGuild(this.client, shardId, guildId);
  }

  public uncacheGuild(guildId: string): void {
    uncacheGuild(this.client, guildId);
  }

  public *guildIds(shardId: number): Iterable<string> {
    for (const guild of [...this.client.guilds.cache.values()]) if (guild.shardId === shardId) yield guild.id;
  }

  public counts(): CacheCounts {
    return { users: this.client.users.cache.size, guilds: countGuilds(this.client) };
  }

  public lookUp<Kind extends keyof Summaries>(kind: Kind, id: string): Summaries[Kind] | null {
    return lookUp[kind](this.client, id);
  }

  public dispatch(shardId: number, packet: GatewayPacket, mode: DispatchMode): void {
    this.#drivers.get(shardId)?.dispatch(packet, mode);
  }

  /** discord.js tells nobody of these. */
  public control(): void {}

  public shardState(shardId: number, change: ConnectionChange): void {
    this.#drivers.get(shardId)?.change(change);
    // Where it resumes, its guilds came out of the store, and what is replayed should find the bot set up.
    const isFilled = change.state === 'ready' || (change.state === 'connecting' && change.sessionId !== null);
    if (!isFilled || this.client.user === null) return;
    this.#filled.add(shardId);
    if (this.#filled.size === this.#drivers.size && this.#ws.status !== Status.Ready) this.#ws.triggerClientReady();
  }

  public shardLatency(shardId: number, latencyMs: number): void {
    this.#drivers.get(shardId)?.measured(latencyMs);
  }

  public request(
    method: RequestMethod,
    path: string,
    body?: object,
    { auth = true }: RequestHow = {},
  ): Promise<unknown> {
    const fullRoute = path as `/${string}`;
    return this.client.rest.request({ method: method as LibraryMethod, fullRoute, auth, ...(body && { body }) });
  }

  public onRest(listener: (status: number, latencyMs: number) => void): void {
    this.#parts.rest.onAnswer(listener);
  }

  public async stop(): Promise<void> {
    const { client } = this;
    this.#parts.rest.stop();
    client.rest.queueRequest = () => Promise.reject(new Error('This client was stopped.'));
    // Its timers; the shards are not its own.
    await Client.prototype.destroy.call(client);
    this.#ws.status = Status.Disconnected;
    client.removeAllListeners();
    client.ws.removeAllListeners();
  }
}

function connectionWishes(client: Client): ConnectionWishes {
  const { intents, waitGuildTimeout } = client.options;
  const { large_threshold: largeThreshold, presence } = client.options.ws as {
    readonly large_threshold?: number;
    readonly presence?: object;
  };
  return {
    intents: intents.bitfield,
    ...(largeThreshold === undefined ? {} : { largeThreshold }),
    ...(presence === undefined ? {} : { presence }),
    compress: false,
    // Without the intent none will come.
    guildTimeoutMs: intents.has(GatewayIntentBits.Guilds) ? (waitGuildTimeout ?? 0) : 0,
  };
}
