import type { MemberFetch } from '../gateway/MemberFetches.js';
import type { Database } from './Database.js';
import { GuildIndex } from './GuildIndex.js';
import { mergeGuild } from './mergeGuild.js';
import { PendingRows } from './PendingRows.js';
import type { GuildPayload, IdData, StateData, ThreadMemberData } from './stateData.js';
import { type StateChange, threadMember } from './stateTable.js';
import { changedRow, formatRow, GONE, rowKey } from './storedRow.js';

/** How many rows beside its base any guild may have. A large guild may have one for each kilobyte of its base. */
const MAX_ROWS = 256;

/** A change of one row that waits for a commit, with its data as JSON. */
type RowChange =
  | { readonly op: 'put' | 'patch' | 'touch'; readonly guildId: string; readonly key: string; readonly text: string }
  | { readonly op: 'remove' | 'resetCount'; readonly guildId: string; readonly key: string }
  | { readonly op: 'count'; readonly guildId: string; readonly key: string; readonly by: number }
  | { readonly op: 'beginFetch'; readonly guildId: string; readonly key: string; readonly text: string }
  | { readonly op: 'endFetch'; readonly guildId: string; readonly key: string; readonly nonce: string | undefined };

/**
 * Turns changes into rows. A guild is its last GUILD_CREATE and one row for each entity that has changed since. A change merges
 * no more than the fields of one entity; `mergeGuild` merges the rows when a guild is read.
 *
 * What a change means for its row is looked up inside the commit's transaction. At any other time a look into the database
 * costs a transaction of its own, and a timer that ends it.
 */
export class StateRecorder {
  readonly #index = new GuildIndex();
  readonly #pending: PendingRows;
  readonly #large = new Set<string>();
  #waiting: RowChange[] = [];
  #waitingLength = 0;

  /** @param patchUser is called with a change of the bot's own user, which belongs to no guild. */
  public constructor(
    database: Database,
    private readonly patchUser: (user: IdData) => void,
  ) {
    this.#pending = new PendingRows(database);
  }

  public get pendingLength(): number {
    return this.#pending.length + this.#waitingLength;
  }

  public get version(): number {
    return this.#index.version;
  }

  /** Guilds with so many rows that they should be compacted. */
  public get large(): ReadonlySet<string> {
    return this.#large;
  }

  public load(guilds: Iterable<readonly [guildId: string, text: string]>, version: number): void {
    this.#forgetWaiting();
    this.#pending.take();
    this.#large.clear();
    this.#index.load(guilds, version);
  }

  /** Begins with the guilds of READY, which are unavailable for now. */
  public reset(guilds: readonly GuildPayload[]): void {
    this.#forgetWaiting();
    this.#pending.clear();
    this.#index.clear();
    this.#large.clear();
    for (const guild of guilds) {
      if (guild.unavailable === true) this.#dropGuild(guild.id, true);
      else this.#setGuild(guild);
    }
  }

  public apply(change: StateChange): void {
    switch (change.op) {
      case 'setGuild':
        this.#settle();
        this.#setGuild(change.guild);
        return;
      case 'dropGuild':
        this.#settle();
        this.#dropGuild(change.guildId, change.unavailable);
        return;
      case 'syncThreads':
        this.#settle();
        if (this.#isAvailable(change.guildId)) this.#syncThreads(change.guildId, change.data);
        return;
      case 'patchUser':
        this.patchUser(change.user);
        return;
      default: {
        // As text, because the client may change the packet that it is from.
        const waiting = rowChange(change);
        this.#waiting.push(waiting);
        if ('text' in waiting) this.#waitingLength += waiting.text.length;
      }
    }
  }

  /** Folds all rows of a guild into one new base. @throws SyntaxError where a row is damaged. */
  public compact(guildId: string): void {
    this.#settle();
    this.#large.delete(guildId);
    const entry = this.#index.get(guildId);
    const guild = entry?.available === true ? mergeGuild(this.#pending.rowsOf(guildId)) : undefined;
    if (entry === undefined || guild === undefined) return;
    const fetchKey = rowKey(guildId, 'fetch');
    const fetch = this.#pending.get(fetchKey);
    this.#index.rearrange(guildId, { ...entry, rows: 0, baseLength: this.#replaceRows(guildId, guild) });
    if (fetch !== undefined) this.#pending.set(fetchKey, fetch);
  }

  /** What a commit has to write. To be called within its transaction. @throws SyntaxError where a row is damaged. */
  public take() {
    this.#settle();
    return { ...this.#pending.take(), guilds: this.#index.take() };
  }

  #setGuild({ presences: _, ...guild }: GuildPayload): void {
    const baseLength = this.#replaceRows(guild.id, guild);
    this.#index.set(guild.id, { available: true, rows: 0, baseLength });
  }

  #dropGuild(guildId: string, unavailable: boolean): void {
    this.#pending.removeGuild(guildId);
    this.#large.delete(guildId);
    if (unavailable) this.#index.set(guildId, { available: false, rows: 0, baseLength: 0 });
    else this.#index.delete(guildId);
  }

  #replaceRows(guildId: string, guild: GuildPayload): number {
    const base = JSON.stringify(guild);
    this.#pending.removeGuild(guildId);
    this.#pending.set(rowKey(guildId, 'base'), base);
    return base.length;
  }

  #isAvailable(guildId: string): boolean {
    return this.#index.get(guildId)?.available === true;
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingLength = 0;
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#forgetWaiting();
    // Without its guild a change means nothing, neither here nor to a client.
    for (const change of waiting) if (this.#isAvailable(change.guildId)) this.#changeRow(change);
  }

  #changeRow(change: RowChange): void {
    const { guildId, key } = change;
    const known = this.#pending.get(key);
    switch (change.op) {
      case 'put':
        this.#write(guildId, key, formatRow('whole', change.text), known);
        break;
      case 'patch':
      case 'touch':
        this.#write(guildId, key, changedRow(known, change.op, change.text), known);
        break;
      case 'remove':
        this.#write(guildId, key, GONE, known);
        break;
      case 'count':
        this.#write(guildId, key, String(Number(known ?? 0) + change.by), known);
        break;
      case 'resetCount':
        // A sum of 0 rather than no row: so the number of rows only ever grows.
        if (known !== undefined) this.#write(guildId, key, '0', known);
        break;
      // These say nothing about what the guild is.
      case 'beginFetch':
        this.#pending.set(key, change.text);
        break;
      case 'endFetch':
        if (known !== undefined && (JSON.parse(known) as MemberFetch).nonce === change.nonce) {
          this.#pending.set(key, null);
        }
        break;
    }
  }

  #write(guildId: string, key: string, text: string, known: string | undefined): void {
    const entry = this.#index.get(guildId);
    if (entry === undefined) return;
    const rows = known === undefined ? entry.rows + 1 : entry.rows;
    this.#pending.set(key, text);
    this.#index.set(guildId, { ...entry, rows });
    if (rows > Math.max(MAX_ROWS, entry.baseLength / 1024)) this.#large.add(guildId);
  }

  /**
   * The bot gained or lost access to channels, and these are all of their active threads. That is rare enough to read the guild
   * for it. (eris 0.18.0 takes `channel_ids` for ids of threads, and keeps those that are gone.)
   */
  #syncThreads(guildId: string, { channel_ids, threads = [], members = [] }: StateData): void {
    const listed = new Set(threads.map(({ id }) => id));
    const parents = channel_ids === undefined ? undefined : new Set<unknown>(channel_ids);
    for (const { id, parent_id } of mergeGuild(this.#pending.rowsOf(guildId))?.threads ?? []) {
      if (listed.has(id) || parents?.has(parent_id) === false) continue;
      this.apply({ op: 'remove', guildId, kind: 'thread', entityId: id });
    }
    for (const value of threads) this.apply({ op: 'patch', guildId, kind: 'thread', entityId: value.id, value });
    for (const member of members) this.apply(threadMember(guildId, member as unknown as ThreadMemberData));
  }
}

function rowChange(
  change: Exclude<StateChange, { op: 'setGuild' | 'dropGuild' | 'patchUser' | 'syncThreads' }>,
): RowChange {
  const { op, guildId } = change;
  switch (op) {
    case 'patchGuild':
      return { op: 'patch', guildId, key: rowKey(guildId, 'guild'), text: JSON.stringify(change.fields) };
    case 'put':
    case 'patch':
    case 'touch':
      return { op, guildId, key: rowKey(guildId, change.kind, change.entityId), text: JSON.stringify(change.value) };
    case 'remove':
      return { op, guildId, key: rowKey(guildId, change.kind, change.entityId) };
    case 'count':
      return { op, guildId, key: rowKey(guildId, 'count', change.counter), by: change.by };
    case 'beginFetch':
      return { op, guildId, key: rowKey(guildId, 'fetch'), text: JSON.stringify(change.fetch) };
    case 'endFetch':
      return { op, guildId, key: rowKey(guildId, 'fetch'), nonce: change.nonce };
    case 'resetCount':
      return { op, guildId, key: rowKey(guildId, 'count', change.counter) };
  }
}
