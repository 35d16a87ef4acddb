import type { ShardSession } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity } from '../../core/discord/packets.js';
import type { RecordName } from './Database.js';
import { HandledWindow, type Repeated, type WindowPosition } from './HandledWindow.js';

/** What changes only with the session. */
export interface SessionRow {
  readonly sessionId: string;
  readonly resumeUrl: string;
  readonly identity: BotIdentity;
}

/** What changes with every dispatch. */
export interface ProgressRow {
  /** The state of the guilds is as of this dispatch. */
  readonly seq: number;
  /** Handlers were called for every dispatch up to this one. Missing where that is `seq`. */
  readonly handled?: number;
  /** When the shard was last known to be connected, in milliseconds since 1970. */
  readonly at: number;
  /** The same on the steady clock, see `ShardStoreOptions.steadyNow`. Missing in rows of an earlier version. */
  readonly steadyAt?: number;
  /** See `WindowPosition.repeated`. Missing where there are none. */
  readonly repeated?: readonly Repeated[];
  /** The number of the last change of any guild, see `GuildIndex`. */
  readonly version: number;
}

export interface Stored {
  readonly session: SessionRow;
  readonly progress: ProgressRow;
}

/**
 * How far a shard has come in its session, as far as this process knows: it serves the shard, or did until it released it. What
 * it gives to a commit belongs to the guilds' rows of the same commit.
 */
export class SessionProgress {
  public readonly window = new HandledWindow();
  #session: SessionRow | undefined;
  #sessionChanged = false;
  /** What each dispatch up to this one changes was recorded. This one may be the one that is being handled. */
  #recordedSeq = 0;
  #connectedAt = 0;
  #steadyAt = 0;

  public get session(): SessionRow | undefined {
    return this.#session;
  }

  public begin(session: SessionRow, seq: number): void {
    this.#session = session;
    this.#sessionChanged = true;
    this.#recordedSeq = seq;
    this.window.begin(seq);
  }

  /**
   * Goes on with a stored session.
   *
   * @param released the session as the previous process released it.
   * @param begun what that process had begun of dispatches that Discord will repeat, where it did not release the session.
   */
  public resume(
    { session, progress }: Stored,
    released: ShardSession | undefined,
    begun: Pick<WindowPosition, 'repeated' | 'begunSeq' | 'isDeathCounted'>,
  ): void {
    // Where this process had the session before, its cache has stood still since. Otherwise the store has filled it.
    const isOwn = this.#session !== undefined;
    this.window.restore({
      handledSeq: handledSeqOf(progress, released),
      cachedSeq: isOwn ? Math.min(this.#recordedSeq, progress.seq) : progress.seq,
      ...begun,
    });
    this.#session = session;
    this.#recordedSeq = progress.seq;
    this.#connectedAt = progress.at;
    this.#steadyAt = progress.steadyAt ?? 0;
  }

  public drop(): void {
    this.#session = undefined;
    this.#sessionChanged = true;
  }

  /** @returns whether the dispatch is new, so that what it changes is to be recorded. */
  public record(seq: number): boolean {
    if (seq <= this.#recordedSeq) return false;
    this.#recordedSeq = seq;
    return true;
  }

  /** Notes that a dispatch was dealt with. */
  public settle(seq: number): void {
    this.record(seq);
    this.window.settle(seq);
  }

  /** Notes when the shard was last known to be connected. */
  public connected(at: number, steadyAt: number): void {
    this.#connectedAt = at;
    this.#steadyAt = steadyAt;
  }

  public patchUser(user: object): void {
    if (this.#session === undefined) return;
    const { identity } = this.#session;
    this.#session = { ...this.#session, identity: { ...identity, user: { ...identity.user, ...user } } };
    this.#sessionChanged = true;
  }

  /** @param version see `ProgressRow.version`. @returns what a commit has to write, which must follow at once. */
  public take(version: number): ReadonlyMap<RecordName, string | null> {
    const records = new Map<RecordName, string | null>();
    if (this.#session === undefined) return records.set('session', null).set('progress', null);
    if (this.#sessionChanged) records.set('session', JSON.stringify(this.#session));
    this.#sessionChanged = false;
    const { handledSeq, repeated } = this.window;
    const handled = handledSeq === this.#recordedSeq ? {} : { handled: handledSeq };
    const again = repeated.length === 0 ? {} : { repeated };
    const times = { at: this.#connectedAt, steadyAt: this.#steadyAt };
    const progress: ProgressRow = { seq: this.#recordedSeq, ...times, version, ...handled, ...again };
    return records.set('progress', JSON.stringify(progress));
  }
}

/** Handlers were called for every dispatch up to this one, by whichever process. */
export function handledSeqOf({ seq, handled }: ProgressRow, released: ShardSession | undefined): number {
  return Math.max(handled ?? seq, released?.seq ?? 0);
}

/** @throws SyntaxError where one of them is damaged. */
export function parseStored(session: string | undefined, progress: string | undefined): Stored | undefined {
  if (session === undefined || progress === undefined) return undefined;
  return { session: JSON.parse(session) as SessionRow, progress: JSON.parse(progress) as ProgressRow };
}
