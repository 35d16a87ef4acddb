import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import { identityOf, isRunning, type ProcessIdentity } from '../../core/files/processIdentity.js';
import type { Dispatch } from '../dispatch/Dispatch.js';
import type { ShardDeath } from '../dispatch/explainDeaths.js';
import type { FoundMark } from '../dispatch/StackMark.js';
import type { MemberFetch } from '../gateway/MemberFetches.js';
import { CommitSchedule } from './CommitSchedule.js';
import { DeathRecord } from './DeathRecord.js';
import { DispatchJournal } from './DispatchJournal.js';
import { Persistence, type PersistenceOptions } from './Persistence.js';
import type { Stored } from './SessionProgress.js';
import { StoredPresence } from './StoredPresence.js';
import type { GuildDifferences, GuildVersions, StoredGuild } from './StoreReader.js';

export interface ShardStoreOptions extends PersistenceOptions {
  /** How long Discord keeps the session of a shard that is not connected, in milliseconds. Default 180 000. */
  readonly resumeWindowMs?: number;
  /**
   * When to commit; all stores of a process share one. Default: one of its own, which commits a dispatch after 200 ms. After a
   * crash Discord repeats what was not committed. The end of a command or of a session is committed at once.
   */
  readonly schedule?: CommitSchedule;
  /** Called with a dispatch that is not run again, because processes died of it. The packet is as Discord sent it. Must not throw. */
  readonly onGivenUp?: (packet: GatewayPacket) => void;
  /** Called whenever `isOpen` of a dispatch may have changed. Must not throw. */
  readonly onOpen?: (dispatch: Dispatch) => void;
  /** This process. Default: the one that runs this. */
  readonly self?: ProcessIdentity;
  /** Whether another process still runs; null where nobody can say. Default: asks the operating system. */
  readonly isRunning?: (identity: ProcessIdentity) => boolean | null;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly wallNow?: () => number;
  /**
   * Milliseconds on a clock that nobody sets, and that all processes share until the machine boots again. Default: the system's
   * monotonic clock.
   */
  readonly steadyNow?: () => number;
}

/** What RESUME needs, and who the bot is, which RESUME does not tell. */
export interface StoredSession extends ShardSession {
  readonly identity: BotIdentity;
}

const DEFAULTS = {
  resumeWindowMs: 180_000 as number,
  wallNow: (() => Date.now()) as () => number,
  steadyNow: (() => Number(process.hrtime.bigint() / 1_000_000n)) as () => number,
  isRunning,
} satisfies Partial<ShardStoreOptions>;

/**
 * Decides which process writes the store of a shard, and which stored session may still be resumed. The store is an embedded
 * database. It holds what a shard must not lose when its process ends: its session, and the state of its guilds.
 *
 * It guarantees that sequence number and state in the file belong together, whenever the process is killed; that one process
 * writes while others read; and that it throws nothing, whatever is wrong with the file or the disk. The shard then runs on
 * without persistence, and the log says so once. When shards change hands, and connecting, is left to others.
 *
 * A process opens it, reads, and calls `takeOver()` when the shard is its own. From then on every dispatch passes through
 * `dispatches`. `release()` gives the shard away, `takeOver()` takes it back, and `close()` ends it.
 */
export class ShardStore {
  public readonly shardId: number;
  /** What happens to the shard while this process has it. */
  public readonly dispatches: DispatchJournal;
  readonly #options: ShardStoreOptions & typeof DEFAULTS;
  readonly #files: Persistence;
  readonly #deaths: DeathRecord;
  readonly #presence: StoredPresence;
  #presenceOfOther: object | undefined;
  #isClosed = false;

  private constructor(options: ShardStoreOptions) {
    this.shardId = options.shardId;
    this.#options = { ...DEFAULTS, ...options };
    const { shardId, logger, schedule = new CommitSchedule() } = this.#options;
    const files = new Persistence(options, (user) => this.dispatches.patchUser(user));
    const deaths = new DeathRecord(this.#options, files.markFile);
    this.#files = files;
    this.#deaths = deaths;
    this.#presence = new StoredPresence(files);
    this.dispatches = new DispatchJournal({
      onGivenUp: undefined,
      onOpen: undefined,
      self: identityOf(process.pid),
      onForgotten: ({ name, id }, why) =>
        logger.warn({ shardId, dispatch: name, id }, `Unfinished work is not run again: ${why}`),
      ...this.#options,
      files,
      deaths,
      schedule,
    });
  }

  /** Never rejects: without a usable folder the store does nothing, see `persistent`. */
  public static async open(options: ShardStoreOptions): Promise<ShardStore> {
    const store = new ShardStore(options);
    await store.#files.open();
    return store;
  }

  /** Whether what happens now will outlive the process. Once false, it stays so. */
  public get persistent(): boolean {
    return this.#files.parts !== undefined;
  }

  /** Dispatches that are not run again, because processes died of them. */
  public get givenUp(): number {
    return this.#deaths.givenUp;
  }

  /** The session that can be resumed now; undefined where there is none, or only one that Discord has forgotten by now. */
  public session(): StoredSession | undefined {
    if (this.dispatches.isWriting) return this.persistent ? this.dispatches.session : undefined;
    const stored = this.#files.read(({ reader }) => reader.session());
    if (stored === undefined || !this.#isFresh(stored)) return undefined;
    return { ...stored.session, shardId: this.shardId, seq: stored.progress.seq };
  }

  /** The bot has set this presence, or will have once the shard is connected. What is in it is the gateway's business. */
  public setPresence(presence: object): void {
    if (!this.#isClosed) this.#presence.set(presence, this.dispatches.isWriting);
  }

  /** The presence that another process has set before this one took over, for once; see `StoredPresence`. */
  public takePresence(): object | undefined {
    const presence = this.#presenceOfOther;
    this.#presenceOfOther = undefined;
    return presence;
  }

  /** The client asks for all members of a guild. The answer ends it, see the table of dispatches. */
  public noteMemberFetch(fetch: MemberFetch): void {
    if (!this.dispatches.isWriting) return;
    this.#files.write(({ recorder }) => recorder.apply({ op: 'beginFetch', guildId: fetch.guildId, fetch }));
    this.dispatches.touch();
  }

  /** Fetches of all members that Discord has not answered in full. */
  public memberFetches(): readonly MemberFetch[] {
    return this.#files.read(({ reader }) => reader.memberFetches()) ?? [];
  }

  // Reading: what is committed, by whichever process.

  /** All guilds, each as it is when its turn comes. Lets other work pass every few milliseconds. */
  public guilds(): AsyncIterable<StoredGuild> {
    return this.#files.readEach(({ reader }) => reader.guilds());
  }

  /** As `guilds()`, only those of the list that are still there. */
  public readGuilds(guildIds: Iterable<string>): AsyncIterable<StoredGuild> {
    return this.#files.readEach(({ reader }) => reader.readGuilds(guildIds));
  }

  public readGuild(guildId: string): StoredGuild | undefined {
    return this.#files.read(({ reader }) => reader.guild(guildId));
  }

  /** Which guilds another process has changed, added or removed since they were read with these versions. */
  public changedSince(known: GuildVersions): GuildDifferences {
    return this.#files.read(({ reader }) => reader.changedSince(known)) ?? { changed: [], gone: [] };
  }

  /** The version of each guild that is committed. */
  public versions(): GuildVersions {
    return this.#files.read(({ reader }) => reader.versions()) ?? new Map();
  }

  /** What the process that had the shard before has left on its stack. */
  public readMark(): FoundMark | undefined {
    return this.persistent ? this.#deaths.readMark() : undefined;
  }

  // Writing: from `takeOver()` to `release()`.

  /**
   * The shard is this process's from now on: nobody else writes any more.
   *
   * @param released the session as the predecessor released it, in a handover.
   * @param death otherwise, how the predecessor died, as far as that is known.
   * @returns the session to resume, where there is one. What the store has missed of `released` (its disk was full, say) is
   * replayed without calling any handler again.
   */
  public async takeOver(released?: ShardSession, death?: ShardDeath): Promise<StoredSession | undefined> {
    if (this.dispatches.isWriting || this.#isClosed) return this.session();
    await this.#files.replaceDamaged();
    this.#files.write(({ label }) => label.beginWriting());
    const stored = this.#files.read(({ database, reader, recorder }) => {
      database.refresh();
      const found = reader.session();
      recorder.load(database.guilds(), found?.progress.version ?? 0);
      return found;
    });
    await this.#files.replaceDamaged();
    const isUsable = stored !== undefined && this.#isUsable(stored, released);
    this.dispatches.takeOver(isUsable ? stored : undefined, released, death);
    this.#presenceOfOther = this.#presence.takeOver();
    // Only now: what the mark said is in the file.
    if (this.persistent) this.#deaths.openMark();
    return this.session();
  }

  /** Writes all that was handled so far into the file. */
  public commit(): void {
    this.dispatches.commit();
  }

  /**
   * The shard was disconnected, and another process goes on with it. This process finishes what it has begun, and writes the
   * ends of that alone. When this returns, all that was handled is in the file.
   */
  public release(): void {
    if (!this.dispatches.isWriting) return;
    this.dispatches.end('released');
    this.#deaths.closeMark();
    this.#files.write(({ label }) => label.endWriting());
  }

  /**
   * Commits what is left. The next process runs again what is still unfinished. Afterwards no file, lock or timer of the store
   * is open.
   */
  public async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.dispatches.end('stopped');
    this.#deaths.removeMark();
    await this.#files.close();
  }

  /**
   * By either clock: somebody may have set the wall clock, and the steady one begins anew when the machine boots. A session that
   * only looks fresh costs a RESUME that Discord refuses. One that only looks old would cost an IDENTIFY and its events.
   */
  #isFresh({ progress: { at, steadyAt } }: Stored): boolean {
    const { resumeWindowMs, steadyNow, wallNow } = this.#options;
    const steadyAgeMs = steadyAt === undefined ? -1 : steadyNow() - steadyAt;
    // A clock that was set back makes a session look younger than nothing.
    return Math.abs(wallNow() - at) <= resumeWindowMs || (steadyAgeMs >= 0 && steadyAgeMs <= resumeWindowMs);
  }

  #isUsable(stored: Stored, released: ShardSession | undefined): boolean {
    const { sessionId } = stored.session;
    // A successor that failed may have begun a session of its own, of which this process's cache knows nothing.
    if (this.dispatches.hadOther(sessionId)) return false;
    return this.#isFresh(stored) && (released?.sessionId ?? sessionId) === sessionId;
  }
}
