import { createHash } from 'node:crypto';
import type { ClusterAssignment, ProcessEnd, ShardSession } from '../../core/contracts/ClusterContract.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import type { Logger } from '../../core/log/logger.js';
import { type Clock, systemClock, type Timer } from '../../core/time/clock.js';
import type { Dispatch } from '../dispatch/Dispatch.js';
import { explainDeaths } from '../dispatch/explainDeaths.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';
import type { MemberFetch } from '../gateway/MemberFetches.js';
import { CommitSchedule } from './CommitSchedule.js';
import type { Repetition } from './DispatchJournal.js';
import { Hydration, type HydrationTarget } from './Hydration.js';
import { ShardStore, type ShardStoreOptions } from './ShardStore.js';

/** How often a connected shard that hears nothing says in its store that it is there, in milliseconds. */
const TOUCH_INTERVAL_MS = 10_000;

export interface ShardStoresOptions
  extends Pick<ShardStoreOptions, 'onGivenUp' | 'onOpen' | 'self' | 'isRunning' | 'wallNow' | 'steadyNow'> {
  readonly assignment: ClusterAssignment;
  readonly logger: Logger;
  /** Asks how a process ended that had shards of this cluster; undefined where nobody knows. Must not reject. */
  readonly endOf: (pid: number) => Promise<ProcessEnd | undefined>;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'setTimeout'>;
}

/**
 * The stores of all shards of a cluster, and what each of them has put into the client's cache.
 *
 * The order is: `open` (no session is known before), `hydrate` (the predecessor may still serve), `takeOver` when the shards are
 * this process's, then every dispatch through `judge` and `handled`, `release` when another process goes on, `close`.
 */
export class ShardStores {
  readonly #options: ShardStoresOptions;
  readonly #stores = new Map<number, ShardStore>();
  readonly #hydrations = new Map<number, Hydration>();
  /** Shards whose stored state the client cannot take. */
  readonly #unusable = new Set<number>();
  #nextTouch: Timer | undefined;

  public constructor(options: ShardStoresOptions) {
    this.#options = options;
  }

  /**
   * To be called when everything else is prepared: an end of the process between here and `takeOver` counts against the store.
   * Never rejects: a store that cannot be used says so in the log, and does nothing.
   */
  public async open(): Promise<void> {
    const { dataDir, shardIds, shardCount, resumeWindowMs, token } = this.#options.assignment;
    const tokenHash = createHash('sha256').update(token).digest('hex');
    const schedule = new CommitSchedule();
    const shared = { ...this.#options, dataDir, shardCount, tokenHash, resumeWindowMs, schedule };
    const open = (shardId: number): Promise<ShardStore> => ShardStore.open({ ...shared, shardId });
    for (const store of await Promise.all(shardIds.map(open))) this.#stores.set(store.shardId, store);
  }

  /** Shards that another process could go on with now. */
  public get resumable(): number {
    return [...this.#stores.values()].filter((store) => store.session() !== undefined).length;
  }

  /** Dispatches that are not run again, because processes died of them. */
  public get givenUp(): number {
    return [...this.#stores.values()].reduce((sum, { givenUp }) => sum + givenUp, 0);
  }

  /** Fills the gateway's cache with what the stores hold. */
  public async hydrate(gateway: HydrationTarget): Promise<void> {
    for (const store of this.#stores.values()) {
      const hydration = new Hydration(gateway, store);
      this.#hydrations.set(store.shardId, hydration);
      await this.#try(store.shardId, () => hydration.run());
    }
  }

  /**
   * From now on this process writes. Brings the cache up to what the predecessor has left.
   *
   * @returns the sessions to resume; a shard that is missing has none.
   */
  public async takeOver(released: readonly ShardSession[] = []): Promise<readonly ShardSession[]> {
    const sessions: ShardSession[] = [];
    const stores = [...this.#stores.values()];
    const deaths = await explainDeaths(
      stores.map((store) => store.readMark()),
      this.#options.endOf,
    );
    for (const [index, store] of stores.entries()) {
      const session = await store.takeOver(
        released.find(({ shardId }) => shardId === store.shardId),
        deaths[index],
      );
      this.#hydrations.get(store.shardId)?.restoreRequests();
      if (session === undefined) continue;
      const { shardId } = store;
      if (!this.#unusable.has(shardId)) await this.#try(shardId, async () => this.#hydrations.get(shardId)?.refresh());
      // The shard must not go on with half of its guilds. A new session brings them all.
      if (this.#unusable.delete(shardId)) store.dispatches.dropSession();
      else sessions.push(session);
    }
    this.#touchLater();
    return sessions;
  }

  /** The gateway's `judgeDispatch`. */
  public judge(shardId: number, packet: GatewayPacket): DispatchVerdict {
    return this.#stores.get(shardId)?.dispatches.judge(packet) ?? 'handle';
  }

  /** Begins a dispatch, see `DispatchJournal.begin`. */
  public begin(shardId: number, packet: GatewayPacket, text: string): Dispatch | undefined {
    return this.#stores.get(shardId)?.dispatches.begin(packet, text);
  }

  /** The gateway's `onDispatch`. */
  public handled(shardId: number, packet: GatewayPacket): void {
    this.#stores.get(shardId)?.dispatches.handled(packet);
  }

  /** The gateway's `onSessionLost`. */
  public sessionLost(shardId: number): void {
    this.#stores.get(shardId)?.dispatches.dropSession();
  }

  /** The gateway's `onPresence`. */
  public presenceSet(shardId: number, presence: object): void {
    this.#stores.get(shardId)?.setPresence(presence);
  }

  /** The gateway's `onMemberFetch`. */
  public membersAskedFor(shardId: number, fetch: MemberFetch): void {
    this.#stores.get(shardId)?.noteMemberFetch(fetch);
  }

  /** Whether other processes finish dispatches of these shards. */
  public get isFinishedElsewhere(): boolean {
    return [...this.#stores.values()].some(({ dispatches }) => dispatches.isFinishedElsewhere);
  }

  /** Takes what other processes have not finished: each once. */
  public takeRepetitions(): readonly Repetition[] {
    return [...this.#stores.values()].flatMap(({ dispatches }) => dispatches.takeRepetitions());
  }

  /**
   * The shards were disconnected, and no other process follows yet. The ends of what still runs are recorded. When this
   * returns, all that was handled is in the files.
   */
  public disconnected(): void {
    this.#stopTouching();
    this.commit();
  }

  /** Writes all that was handled so far of a shard into its files. */
  public commitShard(shardId: number): void {
    this.#stores.get(shardId)?.commit();
  }

  /** Writes all that was handled so far into the files. */
  public commit(): void {
    for (const store of this.#stores.values()) store.commit();
  }

  /** The shards were disconnected: commits, and leaves them to another process. */
  public release(): void {
    this.#stopTouching();
    for (const store of this.#stores.values()) {
      // Otherwise another process may have written since, which the cache knows nothing of.
      const isOwn = store.dispatches.isWriting;
      store.release();
      if (isOwn) this.#hydrations.get(store.shardId)?.released();
    }
  }

  /** Leaves no file open. */
  public async close(): Promise<void> {
    this.#stopTouching();
    await Promise.all([...this.#stores.values()].map((store) => store.close()));
  }

  /** The client may not be able to take again what Discord once sent. That must not keep the cluster from starting. */
  async #try(shardId: number, hydrate: () => Promise<unknown>): Promise<void> {
    try {
      await hydrate();
    } catch (error) {
      this.#unusable.add(shardId);
      this.#options.logger.warn(
        { shardId, err: error },
        `The stored state of shard ${shardId} cannot be used: it begins a new session`,
      );
    }
  }

  #touchLater(): void {
    this.#nextTouch ??= (this.#options.clock ?? systemClock).setTimeout(() => {
      this.#nextTouch = undefined;
      for (const store of this.#stores.values()) store.dispatches.touch();
      this.#touchLater();
    }, TOUCH_INTERVAL_MS);
  }

  #stopTouching(): void {
    this.#nextTouch?.cancel();
    this.#nextTouch = undefined;
  }
}
