import { type Client, type ClientPresence, ExtendedUser } from 'eris';
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
  ListenerPromises,
  RawGuild,
  RequestHow,
  RequestMethod,
  Summaries,
} from '../ClientAdapter.js';
import { HandlerIsolation } from '../HandlerIsolation.js';
import { createClient } from './createClient.js';
import type { ErisOptions } from './eris.js';
import { emitterOf, shardInternalsOf } from './erisInternals.js';
import { countGuilds } from './guildCache.js';
import { cacheGuild, cacheUnavailableGuild, type HydratableGuild, uncacheGuild } from './hydrateGuild.js';
import { lookUp } from './lookUp.js';
import { ShardDriver } from './ShardDriver.js';
import { stopRequests } from './stopRequests.js';

/** eris's default, in milliseconds. */
const GUILD_TIMEOUT_MS = 2_000;

/** A stock eris client that gets its packets from the gateway. */
export class ErisAdapter implements ClientAdapter<Client> {
  public readonly client: Client;
  public readonly connection: ConnectionWishes;
  readonly #shardCount: number;
  readonly #agent: RestAgent;
  readonly #drivers = new Map<number, ShardDriver>();

  /** @throws Error where the installed eris does not fit; TypeError where the API's URL is none. */
  public constructor(setup: ClientSetup, options: ErisOptions = {}) {
    const { client, rest } = createClient(setup, options);
    this.client = client;
    this.#agent = rest.agent;
    this.#shardCount = setup.shardCount;
    this.connection = connectionWishes(client, options);
    const isolation = new HandlerIsolation(setup.log);
    isolation.guard(emitterOf(client), {
      heard: (event, [error, shardId]) => {
        if (event === 'error') setup.log.clientError(error, typeof shardId === 'number' ? shardId : undefined);
      },
    });
    client.on('warn', (message: unknown, shardId?: number) => setup.log.clientWarning(message, shardId));
    for (const shardId of setup.shardIds) {
      const shard = shardInternalsOf(client.shards.get(shardId));
      this.#drivers.set(shardId, new ShardDriver(shard, { client, isolation, log: setup.log }));
    }
  }

  public attach(send: (shardId: number, payload: GatewayPacket) => void): void {
    for (const [shardId, driver] of this.#drivers) driver.send = (payload) => send(shardId, payload);
  }

  public restoreIdentity({ user, application }: BotIdentity): void {
    const { client } = this;
    client.user = new ExtendedUser({ ...user }, client);
    client.users.set(user.id, client.user);
    client.application = { ...application };
  }

  public restorePresence(shardId: number, { activities, afk, status }: PresenceData): void {
    const presence = { activities, afk, status } as ClientPresence;
    Object.assign(this.client.presence, structuredClone(presence));
    this.#drivers.get(shardId)?.restorePresence(presence);
  }

  public cacheGuild(shardId: number, guild: RawGuild): void {
    cacheGuild(this.client, shardId, guild as HydratableGuild);
  }

  public cacheUnavailableGuild(_shardId: number, guildId: string): void {
    cacheUnavailableGuild(this.client, guildId);
  }

  public uncacheGuild(guildId: string): void {
    uncacheGuild(this.client, guildId);
  }

  public guildIds(shardId: number): string[] {
    const { guildShardMap, unavailableGuilds } = this.client;
    const cached = Object.keys(guildShardMap).filter((guildId) => guildShardMap[guildId] === shardId);
    // eris does not say whose these are.
    const unavailable = [...unavailableGuilds.keys()].map(String);
    return [...new Set([...cached, ...unavailable.filter((id) => shardIdOf(id, this.#shardCount) === shardId)])];
  }

  public counts(): CacheCounts {
    return { users: this.client.users.size, guilds: countGuilds(this.client) };
  }

  public lookUp<Kind extends keyof Summaries>(kind: Kind, id: string): Summaries[Kind] | null {
    return lookUp[kind](this.client, id);
  }

  public dispatch(shardId: number, packet: GatewayPacket, mode: DispatchMode): ListenerPromises {
    return this.#drivers.get(shardId)?.dispatch(packet, mode) ?? [];
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
    return this.client.requestHandler.request(method, path, auth, body as Record<string, unknown>, undefined, lane);
  }

  public onRest(listener: (status: number, latencyMs: number) => void): void {
    this.client.on('rawREST', ({ resp, latency }) => listener(resp.statusCode ?? 0, latency));
  }

  public async stop(): Promise<void> {
    const { client } = this;
    for (const guildId of [...client.voiceConnections.keys()]) client.voiceConnections.leave(String(guildId));
    this.#agent.destroy();
    stopRequests(client);
    client.removeAllListeners();
  }
}

function connectionWishes(client: Client, { clientOptions = {} }: ErisOptions): ConnectionWishes {
  const { intents, largeThreshold, guildCreateTimeout, ws } = client.options;
  const { activities, afk, status } = client.presence;
  return {
    intents: typeof intents === 'number' ? intents : 0,
    ...(largeThreshold === undefined ? {} : { largeThreshold }),
    presence: { activities: activities ?? null, afk: afk === true, since: null, status },
    // What eris makes of the option depends on what is installed beside it.
    compress: clientOptions.compress === true,
    guildTimeoutMs: guildCreateTimeout ?? GUILD_TIMEOUT_MS,
    ...(typeof ws === 'object' && ws !== null ? { socketOptions: ws } : {}),
  };
}
