import type { Database as LmdbDatabase, RootDatabase } from 'lmdb';
import type { RawRow } from './mergeGuild.js';
import { rowRange } from './storedRow.js';

/** One transaction: all of it is in the file, or nothing is. `null` removes a row. */
export interface Changes {
  /** Removes all guilds first. */
  readonly clear: boolean;
  readonly rows: ReadonlyMap<string, string | null>;
  readonly guilds: ReadonlyMap<string, string | null>;
  readonly records: ReadonlyMap<RecordName, string | null>;
  readonly work: ReadonlyMap<string, string | null>;
}

export type RecordName = 'session' | 'progress' | 'presence';

/** Threads that may read at a time, of all processes that have the database open. More than there ever are. */
const MAX_READERS = 32;
/** lmdb's flag for transactionSync(): the commit has happened when the call returns. */
const SYNCHRONOUS_COMMIT = 2;

/**
 * The LMDB files of one shard, which hold texts by key. Every process of the shard may read while one writes.
 *
 * A commit is synchronous. It takes 10 to 20 us, a third of what lmdb's own write thread costs. Its errors are caught where they
 * happen, and what it leaves in the page cache outlives the process. It does not wait for the disk (`noSync`), so an operating
 * system that crashes can leave a damaged file, see `StoreLabel`.
 */
export class Database {
  readonly #root: RootDatabase<string, string>;
  readonly #rows: LmdbDatabase<string, string>;
  readonly #guilds: LmdbDatabase<string, string>;
  /** Also written by a process that has released the shard, and finishes what it has begun. */
  readonly #work: LmdbDatabase<string, string>;

  private constructor(root: RootDatabase<string, string>) {
    this.#root = root;
    this.#rows = root.openDB({ name: 'rows', encoding: 'string' });
    this.#guilds = root.openDB({ name: 'guilds', encoding: 'string' });
    this.#work = root.openDB({ name: 'work', encoding: 'string' });
  }

  /**
   * Creates the files where there are none.
   *
   * @param folder must exist, and its files must have been checked: LMDB maps them into memory, where a truncated file ends the
   * process.
   * @throws Error of lmdb or of the file system.
   */
  public static async open(folder: string): Promise<Database> {
    // Its binary may be missing on an unusual platform, which must not end the process.
    const { open } = await import('lmdb');
    const how = { encoding: 'string', noSync: true, maxReaders: MAX_READERS, maxDbs: 4 } as const;
    const root = open<string, string>({ path: folder, ...how });
    // Processes that were killed have left their places among the readers.
    root.readerCheck();
    return new Database(root);
  }

  /** From now on, reads see what other processes have committed. (lmdb does this by itself at the end of a turn.) */
  public refresh(): void {
    this.#root.resetReadTxn();
  }

  public record(name: RecordName): string | undefined {
    return this.#root.get(name);
  }

  public row(key: string): string | undefined {
    return this.#rows.get(key);
  }

  /** To be read within one turn of the event loop: then it is one state of the guild. */
  public *rowsOf(guildId: string): Iterable<RawRow> {
    for (const { key, value } of this.#rows.getRange(rowRange(guildId))) yield [key, value];
  }

  public *keysOf(guildId: string): Iterable<string> {
    yield* this.#rows.getKeys(rowRange(guildId)) as Iterable<string>;
  }

  public guild(guildId: string): string | undefined {
    return this.#guilds.get(guildId);
  }

  public *guilds(): Iterable<readonly [guildId: string, text: string]> {
    for (const { key, value } of this.#guilds.getRange({})) yield [key, value];
  }

  public work(key: string): string | undefined {
    return this.#work.get(key);
  }

  public *works(): Iterable<readonly [key: string, text: string]> {
    for (const { key, value } of this.#work.getRange({})) yield [key, value];
  }

  /**
   * @param changes is called inside the transaction, where reading costs least.
   * @throws Error of lmdb or of the file system (disk full, no permission), or what `changes` throws; then nothing of it was
   * written.
   */
  public commit(changes: () => Changes): void {
    this.#root.transactionSync(() => {
      const { clear, rows, guilds, records, work } = changes();
      if (clear) {
        this.#rows.clearSync();
        this.#guilds.clearSync();
      }
      write(this.#rows, rows);
      write(this.#guilds, guilds);
      write(this.#root, records);
      write(this.#work, work);
    }, SYNCHRONOUS_COMMIT);
  }

  /** When it resolves, no file, lock or timer of the database is open. */
  public async close(): Promise<void> {
    await this.#root.close();
  }
}

function write(database: LmdbDatabase<string, string>, changes: ReadonlyMap<string, string | null>): void {
  for (const [key, text] of changes) {
    if (text === null) database.removeSync(key);
    else database.putSync(key, text);
  }
}
