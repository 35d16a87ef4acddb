import type { Database } from './Database.js';
import { GuildIndex } from './GuildIndex.js';
import { mergeGuild } from './mergeGuild.js';
import { PendingRows } from './PendingRows.js';
import { type RowKind, rowKey } from './rowKeys.js';
import type { EntityData, GuildPayload, IdData, StateData, ThreadMemberData } from './stateData.js';
import { type StateChange, threadMember } from './stateTable.js';
import { changedRow, formatRow, parseRow } from './storedRow.js';

/** Rows beside the base that a guild may always have. A larger guild may have one for each kilobyte of its base. */
const MAX_ROWS = 256;

/**
 * Turns changes into rows: each guild is its last GUILD_CREATE and, for each entity that has changed since, one row. Nothing
 * is merged when something changes, except for the fields of one entity; `mergeGuild` does that when a guild is read.
 */
export class StateRecorder {
  readonly #index = new GuildIndex();
  readonly #pending: PendingRows;
  readonly #large = new Set<string>();

  /** @param patchUser what to do with a change of the bot itself, which belongs to no guild. */
  public constructor(
    database: Database,
    private readonly patchUser: (user: IdData) => void,
  ) {
    this.#pending = new PendingRows(database);
  }

  public get pendingLength(): number {
    return this.#pending.length;
  }

  public get version(): number {
    return this.#index.version;
  }

  /** Guilds with so many rows that they should be compacted. */
  public get large(): ReadonlySet<string> {
    return this.#large;
  }

  public load(guilds: Iterable<readonly [guildId: string, text: string]>, version: number): void {
    this.#pending.take();
    this.#large.clear();
    this.#index.load(guilds, version);
  }

  /** READY: all guilds are as it says, for now unavailable. */
  public reset(guilds: readonly GuildPayload[]): void {
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
        this.#setGuild(change.guild);
        return;
      case 'dropGuild':
        this.#dropGuild(change.guildId, change.unavailable);
        return;
      case 'patchUser':
        this.patchUser(change.user);
        return;
      default:
        // Without its guild it means nothing, to eris neither.
        if (this.#index.get(change.guildId)?.available === true) this.#changeGuild(change);
    }
  }

  /** Folds all rows of a guild into a new base, which says the same. @throws SyntaxError where a row is damaged. */
  public compact(guildId: string): void {
    this.#large.delete(guildId);
    const entry = this.#index.get(guildId);
    const guild = entry?.available === true ? mergeGuild(this.#pending.rowsOf(guildId)) : undefined;
    if (entry === undefined || guild === undefined) return;
    this.#index.rearrange(guildId, { ...entry, rows: 0, baseLength: this.#replaceRows(guildId, guild) });
  }

  public take() {
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

  #changeGuild(change: Exclude<StateChange, { op: 'setGuild' | 'dropGuild' | 'patchUser' }>): void {
    const { guildId } = change;
    switch (change.op) {
      case 'patchGuild':
        this.#change('patch', guildId, 'guild', '', change.fields);
        break;
      case 'put':
        this.#write(guildId, change.kind, change.entityId, formatRow({ mode: 'whole', value: change.value }));
        break;
      case 'patch':
      case 'touch':
        this.#change(change.op, guildId, change.kind, change.entityId, change.value);
        break;
      case 'remove':
        this.#write(guildId, change.kind, change.entityId, formatRow({ mode: 'gone' }));
        break;
      case 'count': {
        const sum = Number(this.#pending.get(rowKey(guildId, 'count', change.counter)) ?? 0) + change.by;
        this.#write(guildId, 'count', change.counter, String(sum));
        break;
      }
      case 'resetCount':
        // A sum of 0 rather than no row: the number of rows never falls, so that it needs no care.
        if (this.#pending.get(rowKey(guildId, 'count', change.counter)) !== undefined) {
          this.#write(guildId, 'count', change.counter, '0');
        }
        break;
      case 'syncThreads':
        this.#syncThreads(guildId, change.data);
        break;
    }
  }

  #change(op: 'patch' | 'touch', guildId: string, kind: RowKind, entityId: string, fields: EntityData): void {
    const text = this.#pending.get(rowKey(guildId, kind, entityId));
    const row = changedRow(text === undefined ? undefined : parseRow(text), op, fields);
    this.#write(guildId, kind, entityId, formatRow(row), text === undefined);
  }

  #write(guildId: string, kind: RowKind, entityId: string, text: string, isNew?: boolean): void {
    const entry = this.#index.get(guildId);
    if (entry === undefined) return;
    const key = rowKey(guildId, kind, entityId);
    const rows = (isNew ?? this.#pending.get(key) === undefined) ? entry.rows + 1 : entry.rows;
    this.#pending.set(key, text);
    this.#index.set(guildId, { ...entry, rows });
    if (rows > Math.max(MAX_ROWS, entry.baseLength / 1024)) this.#large.add(guildId);
  }

  /**
   * The bot has got access to channels, or has lost it: these are their active threads, and no others. Rare enough to read
   * the guild for it. (eris 0.18.0 takes `channel_ids` for ids of threads, and keeps those that are gone.)
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
