import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import type { ProcessIdentity } from '../../core/files/processIdentity.js';
import { Dispatch, type DispatchChange, type DispatchHost, GIVEN_UP, keyOf } from '../dispatch/Dispatch.js';
import type { ShardDeath } from '../dispatch/explainDeaths.js';
import type { DispatchVerdict } from '../gateway/GatewayOptions.js';
import type { CommitSchedule } from './CommitSchedule.js';
import type { DeathRecord } from './DeathRecord.js';
import type { Persistence } from './Persistence.js';
import { handledSeqOf, SessionProgress, type Stored } from './SessionProgress.js';
import type { GuildPayload } from './stateData.js';
import { changesOf } from './stateTable.js';
import { type Leftover, UnfinishedWork, type WorkRow } from './UnfinishedWork.js';

export interface DispatchJournalOptions {
  readonly shardId: number;
  readonly files: Persistence;
  readonly deaths: DeathRecord;
  readonly schedule: CommitSchedule;
  /** See `ShardStoreOptions`, as the next four. */
  readonly onGivenUp: ((packet: GatewayPacket) => void) | undefined;
  readonly onOpen: ((dispatch: Dispatch) => void) | undefined;
  readonly onForgotten: (row: WorkRow, why: string) => void;
  readonly self: ProcessIdentity;
  readonly isRunning: (identity: ProcessIdentity) => boolean | null;
  readonly wallNow: () => number;
  readonly steadyNow: () => number;
}

/** Work that ends within so many milliseconds, and has sent nothing to Discord, is no reason to commit at once. */
const FLEETING_MS = 5;

/** A dispatch that the process that had it did not finish. */
export interface Repetition {
  /** As Discord sent it, without its number: this is not its turn in the session. */
  readonly packet: GatewayPacket;
  readonly dispatch: Dispatch;
  /** To be called once its listeners were called. */
  ran(): void;
}

/** A commit does not wait any longer where more characters than this wait for it: it would take noticeably long. */
const MAX_PENDING_LENGTH = 1_000_000;
/** For how long after the death of a process unfinished work is written down as soon as it begins, in milliseconds. */
const CAUTION_MS = 60_000;

/**
 * Decides what becomes of each dispatch of a shard, what the store records of it, and when that is committed. It does so only
 * while this process writes the store; before and after, its methods do nothing.
 *
 * Every dispatch passes `judge()` before the client handles it and `handled()` afterwards.
 */
export class DispatchJournal implements DispatchHost {
  public readonly mark: DispatchHost['mark'];
  public readonly steadyNow: () => number;
  readonly #options: DispatchJournalOptions;
  readonly #progress = new SessionProgress();
  readonly #work: UnfinishedWork;
  readonly #commitNoted = (): void => this.#commit();
  #isWriting = false;
  /** Something was heard of the shard since the last commit. The time is taken by the commit: asking the clocks is slower. */
  #isHeard = false;
  /** See MAX_PENDING_LENGTH. */
  #isFull = false;
  /** See CAUTION_MS. */
  #cautiousUntil = 0;

  public constructor(options: DispatchJournalOptions) {
    this.#options = options;
    this.mark = options.deaths.mark;
    this.steadyNow = options.steadyNow;
    this.#work = new UnfinishedWork(options);
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
  public takeOver(stored: Stored | undefined, released?: ShardSession, death?: ShardDeath): void {
    this.#isWriting = true;
    this.#findWork(released, death);
    if (stored === undefined) this.dropSession();
    else this.#resume(stored, released, death);
    if (released === undefined && death !== undefined) this.#cautiousUntil = this.steadyNow() + CAUTION_MS;
    // What was found is in the file before anything of it can run.
    if (this.#work.hasChanges || death?.blamed !== undefined) this.#commit();
  }

  /**
   * This process writes no more, but for the ends of what it has begun.
   *
   * @param how `released`: this process finishes what runs. `stopped`: the next one runs it again, and this end is not held
   * against it.
   */
  public end(how: 'released' | 'stopped'): void {
    if (how === 'stopped') this.#work.giveBack();
    else this.#isHeard = true;
    this.#commit();
    this.#isWriting = false;
  }

  /**
   * Says what becomes of a dispatch: the gateway's `judgeDispatch`, called before the client sees it. What the dispatch
   * changes is taken from it here as well, because client libraries change packets. Nine of ten change nothing, and cost one look into a table.
   */
  public judge(packet: GatewayPacket): DispatchVerdict {
    if (!this.#isWriting || !packet.s) return 'handle';
    const verdict = this.#progress.window.verdict(packet.s);
    if (this.#progress.window.isGivenUp(packet.s)) this.#options.onGivenUp?.(packet);
    if (this.#progress.record(packet.s)) this.#record(packet);
    return verdict;
  }

  /**
   * Begins a dispatch, whose listeners are called next.
   *
   * @param text the packet as Discord sent it.
   * @returns undefined for what is no work: the handshake, and what the gateway has made up itself.
   */
  public begin(packet: GatewayPacket, text: string): Dispatch | undefined {
    const { t, s: seq, d } = packet;
    const { session, window } = this.#progress;
    if (!seq || session === undefined || t === 'READY' || t === 'RESUMED') return undefined;
    const { shardId, wallNow } = this.#options;
    const id = (d as { readonly id?: unknown } | null | undefined)?.id;
    const { runs, deaths } = window.triesOf(seq);
    return new Dispatch(this, {
      shardId,
      session: this.#options.deaths.tagOf(session.sessionId),
      seq,
      type: String(t),
      id: typeof id === 'string' ? id : '',
      text,
      attempt: runs + 1,
      deaths,
      at: wallNow(),
    });
  }

  public dispatchChanged(dispatch: Dispatch, change: DispatchChange): void {
    this.#options.onOpen?.(dispatch);
    const what = this.#work.changed(dispatch);
    if (what === undefined) return;
    const { acknowledgement } = dispatch;
    const isCautious = what === 'begun' && this.#isWriting && this.steadyNow() < this.#cautiousUntil;
    const isAnswering = change === 'acknowledgement' && this.#work.isWritten(dispatch);
    // In the file before anything else happens: what may be what killed the last process, and that Discord may have an answer, which
    // the file would deny.
    if (isCautious || (isAnswering && acknowledgement === 'sent')) this.#commit();
    else if (isAnswering || change === 'answers' || (what === 'ended' && this.#isLasting(dispatch))) this.#commitNow();
    else this.#commitSoon();
  }

  /** Somebody may have seen what it did: it is not run again from now on. Most listeners have only looked, and that can wait. */
  #isLasting(dispatch: Dispatch): boolean {
    return dispatch.hasActed || this.#options.wallNow() - dispatch.facts.at > FLEETING_MS;
  }

  /** Whether another process finishes dispatches of the shard. */
  public get isFinishedElsewhere(): boolean {
    return this.#work.isElsewhere;
  }

  /** Takes what other processes did not finish: each once. What is given up is told of instead. */
  public takeRepetitions(): readonly Repetition[] {
    if (!this.#isWriting) return [];
    if (this.#work.isElsewhere)
      this.#options.files.read(({ database }) => {
        database.refresh();
        this.#work.lookElsewhere((key) => database.work(key));
      });
    return this.#work.takeLeftovers().flatMap((leftover) => this.#repetitionOf(leftover) ?? []);
  }

  /** Notes that a dispatch was dealt with: the gateway's `onDispatch`. */
  public handled(packet: GatewayPacket): void {
    if (!this.#isWriting || !packet.s) return;
    if (packet.t === 'READY') this.#beginSession(packet.d as ReadyData, packet.s);
    else this.#progress.settle(packet.s);
    this.touch();
    if (this.#isFull) this.#commit();
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
    const { deaths } = this.#options;
    const { session, progress } = stored;
    const tag = deaths.tagOf(session.sessionId);
    const handledSeq = handledSeqOf(progress, released);
    const repeated = [...(progress.repeated ?? []), ...this.#work.takeRepeated(tag, handledSeq)];
    const { newest, blamed, cause } = death ?? {};
    if (blamed?.session === tag && blamed.seq > handledSeq) {
      const [, runs = 0] = repeated.find(([seq]) => seq === blamed.seq) ?? [];
      repeated.push([blamed.seq, Math.max(1, runs), blamed.verdict === 'culprit' ? GIVEN_UP : blamed.runs]);
    }
    this.#progress.resume(stored, released, {
      repeated,
      begunSeq: newest?.session === tag ? newest.seq : 0,
      // What only waited is not to blame for a death that something else explains.
      isDeathCounted: cause !== 'explained',
    });
  }

  /** The last process of the shard is gone, or has released it: finds what it did not finish. */
  #findWork(released: ShardSession | undefined, death: ShardDeath | undefined): void {
    const { deaths, files } = this.#options;
    const rows = files.read(({ database }) => [...database.works()]) ?? [];
    const { blamed } = death ?? {};
    const known = death && {
      cause: death.cause,
      blamed: blamed && { key: keyOf(blamed), isCulprit: blamed.verdict === 'culprit' },
    };
    if (released === undefined) deaths.report(death);
    for (const leftover of this.#work.restore(rows, released === undefined ? known : undefined)) {
      if (blamed === undefined || keyOf(leftover) !== keyOf(blamed)) deaths.gaveUp(leftover);
    }
  }

  #repetitionOf({ text, ...row }: Leftover): Repetition | undefined {
    let packet: GatewayPacket;
    const ran = (): void => {
      this.#work.ranAgain(keyOf(row));
      if (this.#work.hasChanges) this.#commitNow();
    };
    try {
      const { s: _, ...rest } = JSON.parse(text) as GatewayPacket;
      packet = rest;
    } catch (error) {
      this.#options.onForgotten(row, `it cannot be read: ${String(error)}`);
      ran();
      return undefined;
    }
    if (row.deaths >= GIVEN_UP) {
      this.#options.onGivenUp?.(packet);
      ran();
      return undefined;
    }
    const { session, seq, type, id, at, runs, deaths } = row;
    const facts = { shardId: this.#options.shardId, session, seq, type, id, at, text, attempt: runs + 1, deaths };
    return { packet, dispatch: new Dispatch(this, facts, row), ran };
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

  #commit(): void {
    const { files, schedule, wallNow, steadyNow } = this.#options;
    schedule.done(this.#commitNoted);
    const work = this.#work.take();
    if (!this.#isWriting) {
      // Another process may write the rest.
      if (work.size > 0) files.commitOnly({ work });
      return;
    }
    if (this.#isHeard) this.#progress.connected(wallNow(), steadyNow());
    this.#isHeard = false;
    this.#isFull = false;
    files.commit(({ recorder }) => ({ records: this.#progress.take(recorder.version), work }));
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
