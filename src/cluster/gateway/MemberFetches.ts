import { Opcode } from '../../core/discord/gatewayCodes.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';

/** A fetch of all members of one guild (discord.com/developers/docs/events/gateway-events#request-guild-members). */
export interface MemberFetch {
  readonly guildId: string;
  readonly nonce?: string;
  readonly presences?: boolean;
}

/** One request a second leaves half of what may be sent on a connection to the bot. */
const ASK_INTERVAL_MS = 1_000;
/** While chunks of a guild come, it is not asked for again. */
const QUIET_MS = 10_000;

interface OpenFetch extends MemberFetch {
  /** It is asked for again at this time at the earliest. */
  readonly notBefore: number;
}

/**
 * The fetches of all members that the client library has begun on one shard and that Discord has not answered in full. What was
 * lost with a connection, or with an earlier process, is asked for again after RESUMED: nobody else would, and the members
 * would be missing for ever. The answers go to the client like any other dispatch.
 */
export class MemberFetches {
  readonly #open = new Map<string, OpenFetch>();
  /** Asked for on this connection. */
  readonly #asked = new Set<string>();
  #isConnected = false;
  #timer: Timer | undefined;

  public constructor(
    private readonly send: (payload: GatewayPacket) => void,
    private readonly clock: Pick<Clock, 'now' | 'setTimeout'> = systemClock,
  ) {}

  /** Before the shard is connected: what an earlier process, or this one, has left open. */
  public restore(fetches: Iterable<MemberFetch>): void {
    this.#open.clear();
    for (const fetch of fetches) this.#open.set(fetch.guildId, { ...fetch, notBefore: 0 });
  }

  /** The client library sends this. @returns the fetch, where it is one of all members. */
  public sent({ op, d }: GatewayPacket): MemberFetch | null {
    if (op !== Opcode.REQUEST_GUILD_MEMBERS) return null;
    const { guild_id, query, limit, user_ids, nonce, presences } = Object(d) as Record<string, unknown>;
    // Libraries send the one guild in an array.
    const guildId: unknown = Array.isArray(guild_id) ? guild_id[0] : guild_id;
    if (typeof guildId !== 'string' || query !== '' || limit !== 0 || (user_ids ?? null) !== null) return null;
    const fetch: MemberFetch = {
      guildId,
      ...(typeof nonce === 'string' ? { nonce } : {}),
      ...(presences === true ? { presences } : {}),
    };
    this.#open.set(guildId, { ...fetch, notBefore: 0 });
    // Without a connection it was dropped.
    if (this.#isConnected) this.#asked.add(guildId);
    return fetch;
  }

  /** To be called before the client sees the dispatch, since it may change it. */
  public dispatched({ t, d }: GatewayPacket): void {
    if (this.#open.size === 0) return;
    const data = Object(d) as Record<string, unknown>;
    if (t === 'GUILD_MEMBERS_CHUNK') this.#heard(data);
    else if (t === 'GUILD_DELETE') this.#open.delete(String(data.id));
    else if (t === 'RATE_LIMITED' && data.opcode === Opcode.REQUEST_GUILD_MEMBERS) this.#refused(data);
  }

  /** READY has come: the guilds come anew, and the library asks for their members anew. */
  public begun(): void {
    this.#open.clear();
    this.#isConnected = true;
  }

  /** RESUMED has come: what was answered meanwhile was replayed. */
  public resumed(): void {
    this.#isConnected = true;
    this.#askLater();
  }

  public disconnected(): void {
    this.#isConnected = false;
    this.#asked.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #heard({ guild_id, chunk_index, chunk_count, nonce }: Record<string, unknown>): void {
    const fetch = this.#open.get(String(guild_id));
    if (fetch === undefined || fetch.nonce !== nonce) return;
    if (Number(chunk_index) >= Number(chunk_count) - 1) this.#open.delete(fetch.guildId);
    else this.#open.set(fetch.guildId, { ...fetch, notBefore: this.clock.now() + QUIET_MS });
  }

  /** discord.com/developers/docs/events/gateway-events#rate-limited */
  #refused({ retry_after, meta }: Record<string, unknown>): void {
    const fetch = this.#open.get(String((Object(meta) as Record<string, unknown>).guild_id));
    if (fetch === undefined) return;
    this.#asked.delete(fetch.guildId);
    this.#open.set(fetch.guildId, { ...fetch, notBefore: this.clock.now() + (Number(retry_after) || 0) * 1_000 });
    this.#askLater();
  }

  #askLater(): void {
    const isDone = [...this.#open.keys()].every((guildId) => this.#asked.has(guildId));
    if (isDone || this.#timer !== undefined) return;
    this.#timer = this.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#askNext();
      this.#askLater();
    }, ASK_INTERVAL_MS);
  }

  #askNext(): void {
    const now = this.clock.now();
    for (const { guildId, nonce, presences, notBefore } of this.#open.values()) {
      if (this.#asked.has(guildId) || notBefore > now) continue;
      this.#asked.add(guildId);
      const how = { ...(nonce === undefined ? {} : { nonce }), ...(presences === undefined ? {} : { presences }) };
      this.send({ op: Opcode.REQUEST_GUILD_MEMBERS, d: { guild_id: guildId, query: '', limit: 0, ...how } });
      return;
    }
  }
}
