import type { BotIdentity, GatewayPacket } from '../../../core/discord/packets.js';
import type { RestAgent } from '../../../core/discord/rest/RestAgent.js';
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
import type { ErisLikeLibrary } from './ErisLikeLibrary.js';
import { clientInternalsOf, type ErisLikeClient, shardInternalsOf } from './erisLikeInternals.js';
import { countGuilds } from './guildCache.js';
import { cacheGuild, cacheUnavailableGuild, type HydratableGuild, uncacheGuild } from './hydrateGuild.js';
import { lookUp } from './lookUp.js';
import { RequestGate } from './RequestGate.js';
import { ShardDriver } from './ShardDriver.js';

export interface ErisLikeParts<C extends object> {
  /** A stock client that has no shards yet. Its REST requests go through `agent`. */
  readonly client: C;
  readonly agent: RestAgent;
  readonly library: ErisLikeLibrary;
  readonly options: ConnectionOptions;
}

/** What the client's options say of the connection; eris and dysnomia keep them in different places. */
export interface ConnectionOptions {
  readonly intents?: unknown;
  readonly largeThreshold?: number | undefined;
  readonly guildCreateTimeout?: number | undefined;
  readonly compress?: boolean | undefined;
  readonly ws?: unknown;
}

/** The default of eris and dysnomia, in milliseconds. */
const GUILD_TIMEOUT_MS = 2_000;

/** A stock client of eris, or of a library that descends from it, that gets its packets from the gateway. */
export class ErisLikeAdapter<C extends object> implements ClientAdapter<C> {
  public readonly client: C;
  public readonly connection: ConnectionWishes;
  /** The same client, as far as it is used here. */
  readonly #client: ErisLikeClient;
  readonly #library: ErisLikeLibrary;
  readonly #shardCount: number;
  readonly #requests: RequestGate;
  readonly #drivers = new Map<number, ShardDriver>();

  /** @throws Error where the installed library does not fit. */
  public constructor(setup: ClientSetup, { client, agent, library, options }: ErisLikeParts<C>) {
    const internals = clientInternalsOf(client, library);
    this.client = client;
    this.#client = internals;
    this.#library = library;
    this.#shardCount = setup.shardCount;
    this.#requests = new RequestGate(internals.requestHandler, agent, setup.sendRequest);
    keepUnconnected(internals);
    this.connection = connectionWishes(internals, options);
    const { log } = setup;
    const isolation = new HandlerIsolation(setup);
    isolation.guard(internals, {
      heard: (event, [error, shardId]) => {
        if (event === 'error') log.clientError(error, typeof shardId === 'number' ? shardId : undefined);
      },
    });
    internals.on('warn', (message, shardId) => log.clientWarning(message, shardId));
    for (const shardId of setup.shardIds) {
      internals.shards.spawn(shardId);
      const shard = shardInternalsOf(internals.shards.get(shardId), library);
      this.#drivers.set(shardId, new ShardDriver(shard, { client: internals, library, isolation, log }));
    }
  }

  public attach(send: (shardId: number, payload: GatewayPacket) => void): void {
    for (const [shardId, driver] of this.#drivers) driver.send = (payload) => send(shardId, payload);
  }

  public restoreIdentity({ user, application }: BotIdentity): void {
    const client = this.#client;
    client.user = this.#library.makeBotUser({ ...user }, client);
    client.users.set(user.id, client.user);
    client.application = { ...application };
  }

  public restorePresence(shardId: number, { activities, afk, status }: PresenceData): void {
    const presence = { activities, afk, status };
    Object.assign(this.#client.presence, structuredClone(presence));
    this.#drivers.get(shardId)?.restorePresence(presence);
  }

  public cacheGuild(shardId: number, guild: RawGuild): void {
    cacheGuild(this.#client, shardId, guild as HydratableGuild);
  }

  public cacheUnavailableGuild(_shardId: number, guildId: string): void {
    cacheUnavailableGuild(this.#client, guildId);
  }

  public uncacheGuild(guildId: string): void {
    uncacheGuild(this.#client, guildId);
  }

  public guildIds(shardId: number): string[] {
    const { guildShardMap, unavailableGuilds } = this.#client;
    const cached = Object.keys(guildShardMap).filter((guildId) => guildShardMap[guildId] === shardId);
    // The library does not say whose these are.
    const unavailable = [...unavailableGuilds.keys()].map(String);
    return [...new Set([...cached, ...unavailable.filter((id) => shardIdOf(id, this.#shardCount) === shardId)])];
  }

  public counts(): CacheCounts {
    return { users: this.#client.users.size, guilds: countGuilds(this.#client) };
  }

  public lookUp<Kind extends keyof Summaries>(kind: Kind, id: string): Summaries[Kind] | null {
    return lookUp[kind](this.#client, id);
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

  public request(method: RequestMethod, path: string, body?: object, how: RequestHow = {}): Promise<unknown> {
    const { auth = true, lane } = how;
    return this.#client.requestHandler.request(method, path, auth, body as Record<string, unknown>, undefined, lane);
  }

  public onRest(listener: (status: number, latencyMs: number) => void): void {
    this.#client.on('rawREST', ({ resp, latency }) => listener(resp.statusCode ?? 0, latency));
  }

  public async stop(): Promise<void> {
    const { voiceConnections } = this.#client;
    for (const guildId of [...voiceConnections.keys()]) voiceConnections.leave(String(guildId));
    this.#requests.stop();
    this.#client.removeAllListeners();
  }
}

/** It has a presence, as IDENTIFY says it, and no identify queue of its own. */
function keepUnconnected(client: ErisLikeClient): void {
  // The library says `offline` and corrects it only in its own memory (eris #1245).
  client.presence.status = 'online';
  client.connect = () => Promise.reject(new Error('The gateway connects this client; connect() is not for the bot.'));
  const manager = client.shards;
  // A shard that is made asks for a connection, and one that gets ready goes on with the next.
  manager.connect = () => {};
  manager.tryConnect = () => {};
  manager._readyPacketCB = () => {};
}

function connectionWishes({ presence }: ErisLikeClient, options: ConnectionOptions): ConnectionWishes {
  const { intents, largeThreshold, guildCreateTimeout, compress, ws } = options;
  const { activities, afk, status } = presence;
  return {
    intents: typeof intents === 'number' ? intents : 0,
    ...(largeThreshold === undefined ? {} : { largeThreshold }),
    presence: { activities: activities ?? null, afk: afk === true, since: null, status },
    compress: compress === true,
    guildTimeoutMs: guildCreateTimeout ?? GUILD_TIMEOUT_MS,
    ...(typeof ws === 'object' && ws !== null ? { socketOptions: ws } : {}),
  };
}
