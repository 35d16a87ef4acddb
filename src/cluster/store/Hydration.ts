import type { BotIdentity } from '../../core/discord/packets.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import type { MemberFetch } from '../gateway/MemberFetches.js';
import type { ShardStore } from './ShardStore.js';
import type { StoredGuild } from './StoreReader.js';

/** The part of a gateway that is filled. */
export interface HydrationTarget {
  readonly adapter: Pick<ClientAdapter, 'cacheGuild' | 'cacheUnavailableGuild' | 'uncacheGuild'>;
  readonly identity: BotIdentity | null;
  restoreIdentity(identity: BotIdentity): void;
  restorePresence(shardId: number, presence: object): void;
  restoreMemberFetches(shardId: number, fetches: Iterable<MemberFetch>): void;
}

/**
 * Fills the client's cache with the guilds of one shard, without any event and without holding up the event loop. The shard's
 * previous process may go on meanwhile: `refresh()` catches up with what it changes.
 */
export class Hydration {
  #versions = new Map<string, number>();

  public constructor(
    private readonly target: HydrationTarget,
    private readonly store: ShardStore,
  ) {}

  /** Fills in all guilds of the shard, where it has a session to resume. @returns how many. */
  public async run(): Promise<number> {
    const session = this.store.session();
    if (session === undefined) return 0;
    // This comes before any guild, because its members include the bot. All shards of a process say the same.
    if (this.target.identity === null) this.target.restoreIdentity(session.identity);
    for await (const guild of this.store.guilds()) this.#apply(guild);
    return this.#versions.size;
  }

  /** Catches up with what has changed since, for good once the previous process has released the shard. @returns how many guilds. */
  public async refresh(): Promise<number> {
    const { changed, gone } = this.store.changedSince(this.#versions);
    for (const guildId of gone) {
      this.target.adapter.uncacheGuild(guildId);
      this.#versions.delete(guildId);
    }
    for await (const guild of this.store.readGuilds(changed)) this.#apply(guild);
    return changed.length + gone.length;
  }

  /**
   * Goes on with what the bot has asked of the gateway in the previous process: its presence, and members that have not come.
   * To be called once this process has the shard.
   */
  public restoreRequests(): void {
    const { shardId } = this.store;
    const presence = this.store.takePresence();
    if (presence !== undefined) this.target.restorePresence(shardId, presence);
    this.target.restoreMemberFetches(shardId, this.store.memberFetches());
  }

  /** This process has served the shard and releases it: the cache holds what is stored now, whoever wrote that. */
  public released(): void {
    this.#versions = new Map(this.store.versions());
  }

  #apply({ guildId, version, guild }: StoredGuild): void {
    const { adapter } = this.target;
    const { shardId } = this.store;
    if (guild === null) adapter.cacheUnavailableGuild(shardId, guildId);
    else adapter.cacheGuild(shardId, guild);
    this.#versions.set(guildId, version);
  }
}
