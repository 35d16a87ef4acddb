import type { ErisShard } from '../clients/eris/erisInternals.js';

/**
 * Decides when a shard that got READY has its guilds. eris waits for the unavailable guilds of *all* shards of the process,
 * so that each shard waits for the slowest one or its timeout; this waits for the shard's own. It also ends with the
 * connection: eris's timer goes on and declares a closed shard ready.
 */
export class GuildArrival {
  readonly #shard: ErisShard;
  readonly #quietMs: number;
  #awaited = new Set<string>();

  /** @param quietMs eris's option `guildCreateTimeout`: so long after the last guild, the missing ones count as unavailable. */
  public constructor(shard: ErisShard, quietMs: number) {
    this.#shard = shard;
    this.#quietMs = quietMs;
    // Called by eris for READY and for every GUILD_CREATE until the shard is ready.
    shard.restartGuildCreateTimeout = () => this.#restart();
  }

  /** Before eris handles READY. */
  public begin(guildIds: Iterable<string>): void {
    this.#awaited = new Set(guildIds);
  }

  /** Whether READY has announced the guild and it has not come yet. */
  public awaits(guildId: string): boolean {
    return this.#awaited.has(guildId);
  }

  /** Before eris handles a guild's GUILD_CREATE or GUILD_DELETE. */
  public settle(guildId: string): void {
    this.#awaited.delete(guildId);
  }

  /** After eris handled it; only needed where eris does not ask by itself. */
  public check(): void {
    if (!this.#shard.ready) this.#restart();
  }

  public cancel(): void {
    clearTimeout(this.#shard.guildCreateTimeout ?? undefined);
    this.#shard.guildCreateTimeout = null;
  }

  #restart(): void {
    this.cancel();
    // Before RESUMED a GUILD_CREATE is a replayed one, and says nothing about the shard; eris would call it ready.
    if (this.#shard.ready || !this.#shard.preReady) return;
    if (this.#awaited.size === 0) this.#shard.checkReady();
    else this.#shard.guildCreateTimeout = setTimeout(() => this.#shard.checkReady(), this.#quietMs);
  }
}
