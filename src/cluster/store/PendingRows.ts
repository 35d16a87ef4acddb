import type { Database } from './Database.js';
import type { RawRow } from './mergeGuild.js';
import { rowRange } from './storedRow.js';

/**
 * Rows that have changed and are not committed yet, and a view of the database as if they were. A row that changes often before
 * a commit is written once.
 */
export class PendingRows {
  readonly #database: Database;
  #rows = new Map<string, string | null>();
  #cleared = false;
  #length = 0;

  public constructor(database: Database) {
    this.#database = database;
  }

  /** How many characters wait. */
  public get length(): number {
    return this.#length;
  }

  public get(key: string): string | undefined {
    const pending = this.#rows.get(key);
    if (pending !== undefined) return pending ?? undefined;
    return this.#cleared ? undefined : this.#database.row(key);
  }

  public set(key: string, text: string | null): void {
    this.#rows.set(key, text);
    this.#length += text?.length ?? 0;
  }

  /** Removes every row of every guild. */
  public clear(): void {
    this.#rows.clear();
    this.#length = 0;
    this.#cleared = true;
  }

  public removeGuild(guildId: string): void {
    for (const [key] of this.rowsOf(guildId)) this.set(key, null);
  }

  public rowsOf(guildId: string): RawRow[] {
    const rows: RawRow[] = [];
    if (!this.#cleared) for (const row of this.#database.rowsOf(guildId)) if (!this.#rows.has(row[0])) rows.push(row);
    const { start } = rowRange(guildId);
    for (const [key, text] of this.#rows) if (text !== null && key.startsWith(start)) rows.push([key, text]);
    return rows;
  }

  /** Hands over what waits, for a commit that follows at once. */
  public take(): { readonly clear: boolean; readonly rows: ReadonlyMap<string, string | null> } {
    const taken = { clear: this.#cleared, rows: this.#rows };
    this.#rows = new Map();
    this.#cleared = false;
    this.#length = 0;
    return taken;
  }
}
