import { createHash } from 'node:crypto';
import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import type { ShardDeath } from '../dispatch/ShardDeath.js';
import { StackFrame } from '../dispatch/StackFrame.js';
import { type FoundMark, StackMark } from '../dispatch/StackMark.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';
import { CommitSchedule } from './CommitSchedule.js';
import type { Unfinished } from './HandledWindow.js';
import { Persistence, type PersistenceOptions } from './Persistence.js';
import { SessionProgress } from './SessionProgress.js';
import type { GuildDifferences, GuildVersions, StoredGuild } from './StoreReader.js';
import type { Stored } from './sessionRows.js';
import type { GuildPayload } from './stateData.js';
import { changesOf } from './stateTable.js';

export interface ShardStoreOptions extends PersistenceOptions {
  /** A session whose shard was last connected so long ago is not tried. In milliseconds; default 3 minutes. */
  readonly resumeWindowMs?: number;
  /**
   * When to commit; one for all stores of a process. Default: one of its own. Dispatches are committed after 200 ms; after a
   * crash, Discord repeats what was not. The end of a command and of a session are committed at once.
   */
  readonly schedule?: CommitSchedule;
  /** A dispatch is not run again, because processes died of it; as Discord has sent it. Must not throw. */
  readonly onGivenUp?: (packet: GatewayPacket) => void;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly wallNow?: () => number;
  /**
   * Milliseconds on a clock that all processes of one boot of the machine share, and that nobody sets. Default: the system's
   * monotonic clock.
   */
  readonly steadyNow?: () => number;
}

/** What RESUME needs, and what it does not tell. */
export interface StoredSession extends ShardSession {
  readonly identity: BotIdentity;
}

const DEFAULTS = {
  resumeWindowMs: 180_000 as number,
  wallNow: (() => Date.now()) as () => number,
  steadyNow: (() => Number(process.hrtime.bigint() / 1_000_000n)) as () => number,
} satisfies Partial<ShardStoreOptions>;
/** So many characters wait for a commit; more would make the commit itself noticeable. */
const MAX_PENDING_LENGTH = 1_000_000;
/** How long after a start without a handover commands are noted before they run, in milliseconds. */
const CAUTION_MS = 60_000;

/**
 * What a shard must not lose when its process ends: its session, and the state of its guilds, in an embedded database.
 *
 * It guarantees: the sequence number and the state in the file belong together, whenever the process is killed; one process
 * writes, others may read; nothing that is wrong with the file or the disk is ever thrown. Then the shard runs on without
 * persistence, which is logged once. It leaves to others when shards change hands, and connecting.
 *
 * A process opens it, reads, and calls `takeOver()` when the shard is its own. From there on every dispatch passes `judge()`
 * before the client sees it and `handled()` after. `release()` gives the shard away; `takeOver()` takes it back. `close()` at the end.
 */
export class ShardStore {
  public readonly shardId: number;
  readonly #options: ShardStoreOptions & typeof DEFAULTS;
  readonly #files: Persistence;
  readonly #progress = new SessionProgress();
  readonly #schedule: CommitSchedule;
  readonly #commitNoted = (): void => this.#commit();
  #role: 'reading' | 'writing' | 'closed' = 'reading';
  /** Of the dispatch that is being handled, or was the last. */
  #currentSeq = 0;
  /** The shard was heard of since the last commit, which notes that with its own time: asking the clocks costs more than a look. */
  #isHeard = false;
  /** So much waits for a commit that the next should not be late. */
  #isFull = false;
  /** Until then a command is in the file before it runs. */
  #cautiousUntil = 0;
  readonly #mark: StackMark;
  #markFailed = false;
  /** Of the session, for marks; undefined while it is not asked for. */
  #sessionTag: string | undefined;
  #givenUp = 0;

  private constructor(options: ShardStoreOptions) {
    this.shardId = options.shardId;
    this.#options = { ...DEFAULTS, ...options };
    this.#files = new Persistence(options, (user) => this.#progress.patchUser(user));
    this.#schedule = options.schedule ?? new CommitSchedule();
    this.#mark = new StackMark(this.#files.markFile, (error) => this.#cannotMark(error));
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

  /** The session that can be resumed now; undefined where there is none, or only one that Discord has forgotten by now. */
  public session(): StoredSession | undefined {
    const { shardId } = this;
    if (this.#role === 'writing') {
      const { session, window } = this.#progress;
      return session === undefined || !this.persistent ? undefined : { ...session, shardId, seq: window.resumeSeq };
    }
    const stored = this.#files.read(({ reader }) => reader.session());
    if (stored === undefined || !this.#isFresh(stored)) return undefined;
    return { ...stored.session, shardId, seq: stored.progress.seq };
  }

  // Reading: what is committed, by whichever process.

  /** All guilds, each as it is when its turn comes. Lets other work pass every few milliseconds. */
  public guilds(): AsyncIterable<StoredGuild> {
    return this.#files.readEach(({ reader }) => reader.guilds());
  }

  /** Those of them that there still are, likewise. */
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

  /** What the process that had the shard before has left on its stack. */
  public readMark(): FoundMark | undefined {
    if (!this.persistent) return undefined;
    try {
      return StackMark.read(this.#files.markFile);
    } catch (error) {
      this.#cannotMark(error);
      return undefined;
    }
  }

  /** Dispatches that were given up, because processes died of them. */
  public get givenUp(): number {
    return this.#givenUp;
  }

  // Writing: from `takeOver()` to `release()`.

  /**
   * The shard is this process's from now on: nobody else writes any more.
   *
   * @param released the session as the predecessor has released it, in a handover.
   * @param death otherwise, how the predecessor ended, as far as that is known.
   * @returns the session to resume, where there is one. What the store does not know of `released` (its disk was full, say)
   * is replayed, without any handler being called for it again.
   */
  public async takeOver(released?: ShardSession, death?: ShardDeath): Promise<StoredSession | undefined> {
    if (this.#role !== 'reading') return this.session();
    await this.#files.replaceDamaged();
    this.#files.write(({ label }) => label.beginWriting());
    const stored = this.#files.read(({ database, reader, recorder }) => {
      database.refresh();
      const found = reader.session();
      recorder.load(database.guilds(), found?.progress.version ?? 0);
      return found;
    });
    await this.#files.replaceDamaged();
    this.#role = 'writing';
    this.#sessionTag = undefined;
    if (stored !== undefined && this.#isUsable(stored, released)) this.#resume(stored, released, death);
    else this.dropSession();
    // Not before what it said is in the file.
    if (this.persistent) this.#mark.open();
    return this.session();
  }

  /**
   * What becomes of a dispatch: as the gateway's `judgeDispatch`, before the client sees it. Client libraries change packets while
   * they handle them, so this is also where their state is taken; for nine in ten, which change nothing, that is one look into a table.
   */
  public judge(packet: GatewayPacket): DispatchVerdict {
    if (this.#role !== 'writing' || !packet.s) return 'handle';
    const verdict = this.#progress.window.verdict(packet.s);
    this.#currentSeq = packet.s;
    if (this.#progress.window.isGivenUp(packet.s)) this.#options.onGivenUp?.(packet);
    if (this.#progress.record(packet.s)) this.#record(packet);
    return verdict;
  }

  /** For a dispatch whose listeners are about to be called. @returns undefined where it cannot be told from others. */
  public frameOf({ s: seq, t, d }: GatewayPacket): StackFrame | undefined {
    if (this.#role !== 'writing' || !seq || t === 'READY' || t === 'RESUMED') return undefined;
    const { session, window } = this.#progress;
    if (session === undefined) return undefined;
    this.#sessionTag ??= tagOf(session.sessionId);
    const id = (d as { readonly id?: unknown } | null | undefined)?.id;
    const facts = { session: this.#sessionTag, seq, runs: window.nextRun(seq), name: String(t), id: String(id ?? '') };
    return new StackFrame(this.#mark, this.#options.steadyNow, facts);
  }

  /** After a dispatch was dealt with: as the gateway's `onDispatch`. */
  public handled(packet: GatewayPacket): void {
    if (this.#role !== 'writing' || !packet.s) return;
    if (packet.t === 'READY') this.#beginSession(packet.d as ReadyData, packet.s);
    else this.#progress.settle(packet.s);
    this.#heard();
    if (this.#isFull) this.#commit();
  }

  /**
   * A command begins, in the same turn in which its dispatch is handled.
   *
   * @param seq of its dispatch. Default: the one that is being handled.
   * @returns to be called when it has finished. Until then a crash makes it run again.
   */
  public commandStarted(seq = this.#currentSeq): () => void {
    if (this.#role !== 'writing') return () => {};
    const now = this.#options.steadyNow();
    const finished = this.#progress.window.commandStarted(seq, now);
    // It may be what killed the last process, before anything of it was in the file; and does not get so far a second time.
    if (now < this.#cautiousUntil) this.#commit();
    return () => {
      finished();
      if (this.#role === 'writing') this.#commitNow();
    };
  }

  /** The shard is connected, although nothing has happened: its session stays young. To be called every ten seconds or so. */
  public touch(): void {
    if (this.#role !== 'writing' || this.#progress.session === undefined) return;
    this.#heard();
  }

  /** Discord says that the session is gone. */
  public dropSession(): void {
    if (this.#role !== 'writing') return;
    this.#progress.drop();
    this.#commitNow();
  }

  /** Resolves when all that was handled so far is in the file. */
  public async commit(): Promise<void> {
    if (this.#role === 'writing') this.#commit();
  }

  /**
   * The shard was disconnected, so that another process can go on with it: nothing is written here any more. Commands that
   * run now are finished by this process and are not run again. Resolves when all of it is in the file.
   */
  public async release(): Promise<void> {
    if (this.#role !== 'writing') return;
    this.#isHeard = true;
    this.#commit([]);
    this.#role = 'reading';
    this.#mark.close();
    this.#files.write(({ label }) => label.endWriting());
  }

  /** Commits what is left. Afterwards no file, lock or timer of the store is open. */
  public async close(): Promise<void> {
    if (this.#role === 'closed') return;
    if (this.#role === 'writing') this.#commit();
    this.#role = 'closed';
    this.#mark.close();
    this.#schedule.done(this.#commitNoted);
    await this.#files.close();
  }

  #resume(stored: Stored, released: ShardSession | undefined, death: ShardDeath | undefined): void {
    const { shardId, logger, steadyNow } = this.#options;
    const tag = tagOf(stored.session.sessionId);
    const known = released === undefined ? death : undefined;
    const blamed = known?.blamed?.session === tag ? known.blamed : undefined;
    const begunSeq = known?.newest?.session === tag ? known.newest.seq : undefined;
    const givenUp = this.#progress.resume(stored, released, known && { cause: known.cause, blamed, begunSeq });
    if (known !== undefined && blamed !== undefined) this.#report(known, blamed);
    this.#givenUp += givenUp.length;
    if (givenUp.length > 0) {
      const message = 'Commands are not run again: so many processes have died while they ran';
      logger.warn({ shardId, count: givenUp.length }, message);
    }
    if (released === undefined) this.#cautiousUntil = steadyNow() + CAUTION_MS;
    if (givenUp.length > 0 || blamed !== undefined) this.#commit();
  }

  #report({ pid, end }: ShardDeath, { verdict, name, id, seq, runs }: NonNullable<ShardDeath['blamed']>): void {
    const { shardId, logger } = this.#options;
    const facts = { shardId, dispatch: name, id, seq, runs, pid, end: end?.detail };
    const what = `${name}${id === '' ? '' : ` ${id}`}`;
    if (verdict === 'suspect') {
      logger.warn(facts, `Process ${pid} was killed while ${what} was on its stack: it is run once more`);
      return;
    }
    this.#givenUp++;
    const where = end?.stack === undefined ? '' : `\n${end.stack}`;
    logger.error(
      facts,
      `${what} stopped process ${pid} (${end?.detail ?? 'nobody knows how'}): it is not run again${where}`,
    );
  }

  #cannotMark(error: unknown): void {
    if (this.#markFailed) return;
    this.#markFailed = true;
    const { shardId, logger } = this.#options;
    logger.warn({ shardId, err: error }, `What is on the stack of shard ${shardId} cannot be noted; the bot runs on`);
  }

  /**
   * By either clock: the wall clock may have been set since, the other one begins anew with a boot of the machine. A session
   * that only looks fresh costs a RESUME that Discord refuses; one that only looks old would cost an IDENTIFY and its events.
   */
  #isFresh({ progress: { at, steadyAt } }: Stored): boolean {
    const { resumeWindowMs, steadyNow, wallNow } = this.#options;
    const steadyAgeMs = steadyAt === undefined ? -1 : steadyNow() - steadyAt;
    // A clock that was set back makes a session look younger than nothing.
    return Math.abs(wallNow() - at) <= resumeWindowMs || (steadyAgeMs >= 0 && steadyAgeMs <= resumeWindowMs);
  }

  /** For nearly all dispatches that is one look: the first after a commit has seen to the next. */
  #heard(): void {
    if (this.#isHeard) return;
    this.#isHeard = true;
    this.#commitSoon();
  }

  #isUsable(stored: Stored, released: ShardSession | undefined): boolean {
    const { sessionId } = stored.session;
    // A successor that has failed may have got a session of its own, of which this process's cache knows nothing.
    const own = this.#progress.session?.sessionId ?? sessionId;
    return this.#isFresh(stored) && own === sessionId && (released?.sessionId ?? sessionId) === sessionId;
  }

  #beginSession(ready: ReadyData, seq: number): void {
    const { session_id: sessionId, resume_gateway_url: resumeUrl, user, application, guilds } = ready;
    this.#sessionTag = undefined;
    this.#progress.begin({ sessionId, resumeUrl, identity: { user, application } }, seq);
    this.#files.write(({ recorder }) => recorder.reset(guilds));
    this.#commitNow();
  }

  #record(packet: GatewayPacket): void {
    const changes = changesOf(packet, this.#progress.session?.identity.user.id);
    if (changes.length === 0) return;
    this.#files.write(({ recorder }) => {
      for (const change of changes) recorder.apply(change);
      this.#isFull = recorder.pendingLength > MAX_PENDING_LENGTH;
    });
  }

  #commitNow(): void {
    if (this.persistent) this.#schedule.now(this.#commitNoted);
  }

  #commitSoon(): void {
    if (this.persistent) this.#schedule.soon(this.#commitNoted);
  }

  #commit(unfinished: readonly Unfinished[] = this.#progress.window.unfinished(this.#options.steadyNow())): void {
    this.#schedule.done(this.#commitNoted);
    if (this.#isHeard) this.#progress.connected(this.#options.wallNow(), this.#options.steadyNow());
    this.#isHeard = false;
    this.#isFull = false;
    this.#files.commit(({ recorder }) => this.#progress.take(unfinished, recorder.version));
    const [large] = this.#files.parts?.recorder.large ?? [];
    if (large !== undefined) setImmediate(() => this.#compact(large));
  }

  /** One guild in a turn of its own; the commit that follows asks for the next. */
  #compact(guildId: string): void {
    if (this.#role !== 'writing' || this.#files.parts?.recorder.large.has(guildId) !== true) return;
    this.#files.write(({ recorder }) => recorder.compact(guildId));
    this.#commitSoon();
  }
}

/** Short, and of one length. */
function tagOf(sessionId: string): string {
  return createHash('sha256').update(sessionId).digest('hex').slice(0, 16);
}

interface ReadyData extends BotIdentity {
  readonly session_id: string;
  readonly resume_gateway_url: string;
  readonly guilds: readonly GuildPayload[];
}
