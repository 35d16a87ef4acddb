import type { ProcessIdentity } from '../../core/files/processIdentity.js';
import { type Dispatch, type DispatchFacts, type DispatchOutcome, GIVEN_UP, keyOf } from '../dispatch/Dispatch.js';
import type { DeathCause } from '../dispatch/explainDeaths.js';
import type { Repeated } from './HandledWindow.js';

export interface UnfinishedWorkOptions {
  readonly shardId: number;
  /** This process, as rows name it. */
  readonly self: ProcessIdentity;
  /** Whether a process still runs; null where nobody can say. */
  readonly isRunning: (identity: ProcessIdentity) => boolean | null;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
  /** Work is not remembered any more, or is not run again. Must not throw. */
  readonly onForgotten: (row: WorkRow, why: string) => void;
}

/** One dispatch whose work had not ended, as the store has it. Its payload follows in a line of its own. */
export interface WorkRow extends Omit<DispatchFacts, 'text' | 'attempt' | 'shardId'>, DispatchOutcome {
  readonly name: string;
  /** How often it has begun. */
  readonly runs: number;
  /** False where all that goes on is not to be run again. It is remembered in case that it kills its process. */
  readonly again: boolean;
  /** The process that runs it; missing where none does, because that one has stopped. */
  readonly owner?: ProcessIdentity;
}

/** Work that no process does any more. */
export interface Leftover extends WorkRow {
  readonly text: string;
}

/** What is known of the end of the process that had the work. */
export interface WorkDeath {
  readonly cause: DeathCause;
  /** Its key, and whether it may be run once more. */
  readonly blamed?: { readonly key: string; readonly isCulprit: boolean } | undefined;
}

/** Work that goes on for longer is not run again, in milliseconds. Discord takes answers to an interaction for so long. */
const MAX_AGE_MS = 15 * 60_000;
/** Discord waits so long for the first answer to an interaction, in milliseconds. */
const MAX_UNANSWERED_MS = 3_000;
/** What of one shard is remembered. The oldest is forgotten first. */
const MAX_COUNT = 1_000;
const MAX_LENGTH = 16_000_000;
/** With how many deaths of processes work is given up. One that was killed is hardly to blame. */
const MAX_DEATHS: Readonly<Record<DeathCause, number>> = { explained: GIVEN_UP, killed: 3, unexplained: 2 };

/**
 * The work of one shard's dispatches that has not ended: what runs in this process, and what other processes have left. It
 * decides what is written into the store, what is run again, and what is given up.
 *
 * Discord's replay is no help here: it may have forgotten what a heartbeat has acknowledged, and a new session repeats nothing.
 * The store keeps the payload itself.
 */
export class UnfinishedWork {
  readonly #options: UnfinishedWorkOptions;
  /** Runs in this process, oldest first. */
  readonly #running = new Map<string, Dispatch>();
  /** Goes on here as well, and is not remembered any more. */
  readonly #forgotten = new WeakSet<Dispatch>();
  /** Runs in another process, which has released the shard. */
  readonly #elsewhere = new Set<string>();
  readonly #leftovers = new Map<string, Leftover>();
  readonly #isDirty = new Set<string>();
  readonly #written = new Set<string>();
  #changes = new Map<string, string | null>();
  #length = 0;

  public constructor(options: UnfinishedWorkOptions) {
    this.#options = options;
  }

  /** Whether another process finishes work that this one may have to do again. */
  public get isElsewhere(): boolean {
    return this.#elsewhere.size > 0;
  }

  /** Whether a commit has something to write. */
  public get hasChanges(): boolean {
    return this.#changes.size > 0 || this.#isDirty.size > 0;
  }

  /** Whether work of this process runs on that a crash would interrupt. */
  public get isRunning(): boolean {
    return this.#running.size > 0;
  }

  /** Notes what has become of a dispatch of this process. @returns what is new; undefined where that is nothing. */
  public changed(dispatch: Dispatch): 'begun' | 'changed' | 'ended' | undefined {
    const { key } = dispatch;
    const isKnown = this.#running.get(key) === dispatch;
    if (!dispatch.isOpen) return isKnown && this.#remove(key) ? 'ended' : undefined;
    if (this.#forgotten.has(dispatch)) return undefined;
    if (!isKnown) this.#add(key, dispatch);
    this.#isDirty.add(key);
    return isKnown ? 'changed' : 'begun';
  }

  /** Whether a dispatch of this process is in the store. Otherwise Discord will repeat it where this process ends. */
  public isWritten(dispatch: Dispatch): boolean {
    return this.#written.has(dispatch.key);
  }

  /** The run of a leftover has begun. Where none of its listeners has begun anything, it is done with. */
  public ranAgain(key: string): void {
    this.#leftovers.delete(key);
    if (!this.#running.has(key)) this.#erase(key);
  }

  /**
   * Finds what other processes have left.
   *
   * @param rows of the store.
   * @param death how the last process ended, where it has not released the shard.
   * @returns work that is given up now, because too many processes died of it.
   */
  public restore(rows: Iterable<readonly [key: string, text: string]>, death?: WorkDeath): readonly Leftover[] {
    const givenUp: Leftover[] = [];
    this.#elsewhere.clear();
    this.#leftovers.clear();
    for (const [key, text] of rows) {
      this.#written.add(key);
      const leftover = this.#running.has(key) ? undefined : this.#parse(key, text);
      if (leftover === undefined) continue;
      if (this.#isWorkedOn(leftover)) this.#elsewhere.add(key);
      else if (this.#leave(key, leftover, death)) givenUp.push(leftover);
    }
    // The shard is this process's again: so is what it has not finished.
    for (const key of this.#running.keys()) this.#isDirty.add(key);
    return givenUp;
  }

  /**
   * Looks again at what other processes finish.
   *
   * @param read gives the row of a key.
   */
  public lookElsewhere(read: (key: string) => string | undefined): void {
    for (const key of this.#elsewhere) {
      const text = read(key);
      const leftover = text === undefined ? undefined : this.#parse(key, text);
      if (leftover !== undefined && this.#isWorkedOn(leftover)) continue;
      this.#elsewhere.delete(key);
      if (leftover === undefined) this.#written.delete(key);
      else this.#leave(key, leftover, undefined);
    }
  }

  /** Takes what Discord will repeat by itself. */
  public takeRepeated(session: string, afterSeq: number): Repeated[] {
    const repeated: Repeated[] = [];
    for (const [key, leftover] of this.#leftovers) {
      if (leftover.session !== session || leftover.seq <= afterSeq) continue;
      repeated.push([leftover.seq, leftover.runs, leftover.deaths]);
      this.#leftovers.delete(key);
      this.#erase(key);
    }
    return repeated;
  }

  /** Takes what is to be run again, or is given up; each once. It stays in the store until `ranAgain()`. */
  public takeLeftovers(): readonly Leftover[] {
    const due = [...this.#leftovers.values()];
    this.#leftovers.clear();
    return due.filter((leftover) => {
      const why = leftover.deaths >= GIVEN_UP ? undefined : this.#isTooLate(leftover);
      if (why !== undefined) this.#forget(keyOf(leftover), leftover, why);
      return why === undefined;
    });
  }

  /** This process stops: whoever comes next does again what still runs, and its end is not held against it. */
  public giveBack(): void {
    for (const [key, dispatch] of this.#running) {
      const { owner: _, ...row } = this.#rowOf(dispatch);
      this.#set(key, format(row, dispatch.facts.text));
    }
    this.#running.clear();
    this.#isDirty.clear();
  }

  /** What a commit has to write, which must follow at once. */
  public take(): ReadonlyMap<string, string | null> {
    this.#trim();
    for (const key of this.#isDirty) {
      const dispatch = this.#running.get(key);
      if (dispatch !== undefined) this.#set(key, format(this.#rowOf(dispatch), dispatch.facts.text));
    }
    this.#isDirty.clear();
    const changes = this.#changes;
    if (changes.size > 0) this.#changes = new Map();
    return changes;
  }

  #add(key: string, dispatch: Dispatch): void {
    this.#running.set(key, dispatch);
    this.#length += dispatch.facts.text.length;
  }

  #remove(key: string): boolean {
    const dispatch = this.#running.get(key);
    if (dispatch === undefined) return false;
    this.#running.delete(key);
    this.#isDirty.delete(key);
    this.#length -= dispatch.facts.text.length;
    this.#erase(key);
    return true;
  }

  #set(key: string, text: string): void {
    this.#written.add(key);
    this.#changes.set(key, text);
  }

  /** What was never written needs no removal. */
  #erase(key: string): void {
    if (this.#written.delete(key)) this.#changes.set(key, null);
  }

  #parse(key: string, text: string): Leftover | undefined {
    const end = text.indexOf('\n');
    try {
      const row = JSON.parse(text.slice(0, end)) as WorkRow;
      if (keyOf(row) === key && [row.at, row.runs, row.deaths].every(Number.isFinite)) {
        return { ...row, text: text.slice(end + 1) };
      }
    } catch {
      // It is damaged, as one that says something else.
    }
    this.#erase(key);
    return undefined;
  }

  #isWorkedOn({ owner }: WorkRow): boolean {
    return owner !== undefined && this.#options.isRunning(owner) === true;
  }

  /** @returns whether it is given up now. */
  #leave(key: string, row: Leftover, death: WorkDeath | undefined): boolean {
    const isBlamed = death?.blamed?.key === key;
    const cause = row.owner === undefined ? 'explained' : (death?.cause ?? 'killed');
    // What was not on the stack is not to blame for a death that something else explains.
    const deaths = cause === 'explained' && !isBlamed ? row.deaths : row.deaths + 1;
    const limit = MAX_DEATHS[isBlamed ? 'killed' : cause];
    const isCulprit = (isBlamed && death.blamed?.isCulprit === true) || deaths >= limit;
    if (!isCulprit && !row.again) {
      this.#erase(key);
      return false;
    }
    const { owner: _, ...rest } = row;
    const leftover = { ...rest, deaths: isCulprit ? GIVEN_UP : deaths };
    this.#leftovers.set(key, leftover);
    const { text, ...stored } = leftover;
    this.#set(key, format(stored, text));
    return isCulprit && row.deaths < GIVEN_UP;
  }

  #rowOf(dispatch: Dispatch): WorkRow {
    const { session, seq, type, id, attempt, deaths, at } = dispatch.facts;
    const { name, acknowledgement, answers, isKept: again } = dispatch;
    return {
      session,
      seq,
      type,
      id,
      at,
      name,
      acknowledgement,
      answers,
      again,
      runs: attempt,
      deaths,
      owner: this.#options.self,
    };
  }

  #isTooLate({ type, acknowledgement = 'none', at }: WorkRow): string | undefined {
    const ageMs = this.#options.wallNow() - at;
    if (ageMs > MAX_AGE_MS) return 'it is older than 15 minutes';
    if (type !== 'INTERACTION_CREATE' || acknowledgement !== 'none' || ageMs <= MAX_UNANSWERED_MS) return undefined;
    return 'Discord has waited for its answer for more than 3 seconds';
  }

  #trim(): void {
    for (const [key, dispatch] of this.#running) {
      const { size } = this.#running;
      const isTooOld = this.#options.wallNow() - dispatch.facts.at > MAX_AGE_MS;
      if (!isTooOld && size <= MAX_COUNT && this.#length <= MAX_LENGTH) return;
      this.#remove(key);
      this.#forgotten.add(dispatch);
      const why = isTooOld ? 'it has run for more than 15 minutes' : 'too much other work of this shard is unfinished';
      this.#options.onForgotten(this.#rowOf(dispatch), why);
    }
  }

  #forget(key: string, row: WorkRow, why: string): void {
    this.#erase(key);
    this.#options.onForgotten(row, why);
  }
}

function format(row: WorkRow, text: string): string {
  return `${JSON.stringify(row)}\n${text}`;
}
