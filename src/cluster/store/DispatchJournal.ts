import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import type { ShardDeath } from '../dispatch/explainDeaths.js';
import type { StackFrame } from '../dispatch/StackFrame.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';
import type { CommitSchedule } from './CommitSchedule.js';
import type { DeathRecord } from './DeathRecord.js';
import type { Unfinished } from './HandledWindow.js';
import type { Persistence } from './Persistence.js';
import { SessionProgress, type Stored } from './SessionProgress.js';
import type { GuildPayload } from './stateData.js';
import { changesOf } from './stateTable.js';

export interface DispatchJournalOptions {
  readonly shardId: number;
  readonly files: Persistence;
  readonly deaths: DeathRecord;
  readonly schedule: CommitSchedule;
  /** See `ShardStoreOptions`, as the next two. */
  readonly onGivenUp: ((packet: GatewayPacket) => void) | undefined;
  readonly wallNow: () => number;
  readonly steadyNow: () => number;
}

/** A commit does not wait any longer where more characters than this wait for it: it would take noticeably long. */
const MAX_PENDING_LENGTH = 1_000_000;
/** For how long after a start without a handover commands are noted before they run, in milliseconds. */
const CAUTION_MS = 60_000;

/**
 * Decides what becomes of each dispatch of a shard, what the store records of it, and when that is committed. It does so only
 * while this process writes the store; before and after, its methods do nothing.
 *
 * Every dispatch passes `judge()` before the client handles it and `handled()` afterwards.
 */
export class DispatchJournal {
  readonly #options: DispatchJournalOptions;
  readonly #progress = new SessionProgress();
  readonly #commitNoted = (): void => this.#commit();
  #isWriting = false;
  /** The sequence number of the dispatch that is being handled, or was last. */
  #currentSeq = 0;
  /** Something was heard of the shard since the last commit. The time is taken by the commit: asking the clocks is slower. */
  #isHeard = false;
  /** See MAX_PENDING_LENGTH. */
  #isFull = false;
  /** Until then, commands are committed before they run. */
  #cautiousUntil = 0;

  public constructor(options: DispatchJournalOptions) {
    this.#options = options;
  }

  public get isWriting(): boolean {
    return this.#isWriting;
  }

  /** The session as it can be resumed now, while this process writes. */
  public get session() {
    const { session, window } = this.#progress;
    return session && { ...session, shardId: this.#options.shardId, seq: window.resumeSeq };
  }

  /** Whether this process had another session than this one before it released the shard. Its cache then knows nothing of it. */
  public hadOther(sessionId: string): boolean {
    const { session } = this.#progress;
    return session !== undefined && session.sessionId !== sessionId;
  }

  /**
   * This process writes from now on, and goes on with a session.
   *
   * @param stored the session to go on with; undefined where there is none.
   * @param released the session as the last process released it, in a handover.
   * @param death how the last process ended, where that is known.
   */
  public begin(stored: Stored | undefined, released?: ShardSession, death?: ShardDeath): void {
    this.#isWriting = true;
    if (stored === undefined) this.dropSession();
    else this.#resume(stored, released, death);
  }

  /**
   * This process writes no more.
   *
   * @param how `released`: commands that run are finished here, and are not run again. `stopped`: they are run again, and this
   * end is not held against them.
   */
  public end(how: 'released' | 'stopped'): void {
    if (!this.#isWriting) return;
    if (how === 'released') this.#isHeard = true;
    this.#commit(how === 'released' ? [] : this.#unfinished('stop'));
    this.#isWriting = false;
  }

  /**
   * Says what becomes of a dispatch: the gateway's `judgeDispatch`, called before the client sees it. What the dispatch
   * changes is taken from it here as well, because client libraries change packets. Nine of ten change nothing, and cost one look into a table.
   */
  public judge(packet: GatewayPacket): DispatchVerdict {
    if (!this.#isWriting || !packet.s) return 'handle';
    const verdict = this.#progress.window.verdict(packet.s);
    this.#currentSeq = packet.s;
    if (this.#progress.window.isGivenUp(packet.s)) this.#options.onGivenUp?.(packet);
    if (this.#progress.record(packet.s)) this.#record(packet);
    return verdict;
  }

  /** @returns what stands for a dispatch on the stack while its listeners are called; undefined where none is needed. */
  public frameOf(packet: GatewayPacket): StackFrame | undefined {
    if (!this.#isWriting || !packet.s || packet.t === 'READY' || packet.t === 'RESUMED') return undefined;
    return this.#options.deaths.frameOf(packet, packet.s, this.#progress);
  }

  /** Notes that a dispatch was dealt with: the gateway's `onDispatch`. */
  public handled(packet: GatewayPacket): void {
    if (!this.#isWriting || !packet.s) return;
    if (packet.t === 'READY') this.#beginSession(packet.d as ReadyData, packet.s);
    else this.#progress.settle(packet.s);
    this.touch();
    if (this.#isFull) this.#commit();
  }

  /**
   * Notes that a command begins. To be called in the turn of the event loop in which its dispatch is handled.
   *
   * @returns what is to be called when it has finished. Until then, a crash makes it run again.
   */
  public commandStarted(): () => void {
    if (!this.#isWriting) return () => {};
    const now = this.#options.steadyNow();
    const finished = this.#progress.window.commandStarted(this.#currentSeq, now);
    // It may be what killed the last process before anything of it was in the file. This time it is in the file first.
    if (now < this.#cautiousUntil) this.#commit();
    return () => {
      finished();
      if (this.#isWriting) this.#commitNow();
    };
  }

  /** Notes that the shard is connected, so that its session stays young. For nearly all dispatches this is one look at a flag. */
  public touch(): void {
    if (this.#isHeard || !this.#isWriting || this.#progress.session === undefined) return;
    this.#isHeard = true;
    this.#commitSoon();
  }

  /** Discord says that the session is gone. */
  public dropSession(): void {
    if (!this.#isWriting) return;
    this.#progress.drop();
    this.#commitNow();
  }

  public patchUser(user: object): void {
    this.#progress.patchUser(user);
  }

  /** Writes all that was handled so far into the file. */
  public commit(): void {
    if (this.#isWriting) this.#commit();
  }

  #resume(stored: Stored, released: ShardSession | undefined, death: ShardDeath | undefined): void {
    const { deaths, steadyNow } = this.#options;
    const known = released === undefined ? deaths.inSession(stored.session.sessionId, death) : undefined;
    const { cause, blamed, newest } = known ?? {};
    const givenUp = this.#progress.resume(stored, released, cause && { cause, blamed, begunSeq: newest?.seq });
    deaths.report(known, givenUp.length);
    if (released === undefined) this.#cautiousUntil = steadyNow() + CAUTION_MS;
    // The release has left out of the file what still runs here.
    if (givenUp.length > 0 || blamed !== undefined || this.#progress.window.isRunning) this.#commit();
  }

  #beginSession(ready: ReadyData, seq: number): void {
    const { session_id: sessionId, resume_gateway_url: resumeUrl, user, application, guilds } = ready;
    this.#progress.begin({ sessionId, resumeUrl, identity: { user, application } }, seq);
    this.#options.files.write(({ recorder }) => recorder.reset(guilds));
    this.#commitNow();
  }

  #record(packet: GatewayPacket): void {
    const changes = changesOf(packet, this.#progress.session?.identity.user.id);
    if (changes.length === 0) return;
    this.#options.files.write(({ recorder }) => {
      for (const change of changes) recorder.apply(change);
      this.#isFull = recorder.pendingLength > MAX_PENDING_LENGTH;
    });
  }

  #commitNow(): void {
    const { files, schedule } = this.#options;
    if (files.parts !== undefined) schedule.now(this.#commitNoted);
  }

  #commitSoon(): void {
    const { files, schedule } = this.#options;
    if (files.parts !== undefined) schedule.soon(this.#commitNoted);
  }

  #unfinished(end: 'death' | 'stop'): Unfinished[] {
    return this.#progress.window.unfinished(this.#options.steadyNow(), end);
  }

  #commit(unfinished: readonly Unfinished[] = this.#unfinished('death')): void {
    const { files, schedule, wallNow, steadyNow } = this.#options;
    schedule.done(this.#commitNoted);
    if (this.#isHeard) this.#progress.connected(wallNow(), steadyNow());
    this.#isHeard = false;
    this.#isFull = false;
    files.commit(({ recorder }) => this.#progress.take(unfinished, recorder.version));
    const [large] = files.parts?.recorder.large ?? [];
    if (large !== undefined) setImmediate(() => this.#compact(large));
  }

  /** Compacts one guild in a turn of its own. The commit that follows asks for the next. */
  #compact(guildId: string): void {
    const { files } = this.#options;
    if (!this.#isWriting || files.parts?.recorder.large.has(guildId) !== true) return;
    files.write(({ recorder }) => recorder.compact(guildId));
    this.#commitSoon();
  }
}

interface ReadyData extends BotIdentity {
  readonly session_id: string;
  readonly resume_gateway_url: string;
  readonly guilds: readonly GuildPayload[];
}
