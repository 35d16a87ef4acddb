import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDataFile } from './checkDataFile.js';
import { Database } from './Database.js';
import { isDamage } from './isDamage.js';
import { StoreLabel, type StoreOwner } from './StoreLabel.js';

/** How large the lock file is made. LMDB needs less for the readers of one shard. */
const LOCK_FILE_BYTES = 4096;
/** How much room there must be on the disk for a new database. An empty one needs less. */
const NEW_DATABASE_BYTES = 65_536;

export interface OpenedFolder {
  readonly database: Database;
  readonly label: StoreLabel;
}

/** A database should be set aside, but another process writes it at the moment. */
export class StoreInUseError extends Error {
  public override readonly name = 'StoreInUseError';
}

/**
 * The folder of one shard's database. Decides whether what is in it may be used. What may not is moved to
 * `<folder>.set-aside`, where the last one is kept for whoever wants to know more.
 */
export class ShardFolder {
  readonly #path: string;

  /** @param onSetAside is called with the reason whenever a database is set aside. */
  public constructor(
    dataDir: string,
    private readonly owner: StoreOwner,
    private readonly onSetAside: (reason: string) => void,
  ) {
    this.#path = join(dataDir, 'shards', String(owner.shardId));
  }

  /** Where the process that has the shard notes what is on its stack, see `StackMark`. */
  public get markFile(): string {
    return join(this.#path, 'stack');
  }

  /**
   * @throws Error of the file system (disk full, no permission), or of lmdb where not even a new database can be opened;
   * StoreInUseError as `setAside()` does.
   */
  public async open(): Promise<OpenedFolder> {
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    const reason = this.#objection();
    if (reason !== undefined) this.setAside(reason);
    try {
      return await this.#openDatabase();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.setAside(error.message);
      return await this.#openDatabase();
    }
  }

  /**
   * This process must not have the database open.
   *
   * @throws Error of the file system; StoreInUseError where another process writes it, which may do well with it: its database
   * must not be moved away under it.
   */
  public setAside(reason: string): void {
    if (StoreLabel.read(this.#path)?.hasOtherWriter === true) throw new StoreInUseError(reason);
    this.onSetAside(reason);
    const aside = `${this.#path}.set-aside`;
    rmSync(aside, { recursive: true, force: true });
    renameSync(this.#path, aside);
    mkdirSync(this.#path, { mode: 0o700 });
  }

  /** After the database was closed, waits until all of it is on the disk, unless another process writes it by now. */
  public async settle(): Promise<void> {
    const label = StoreLabel.read(this.#path);
    if (label === undefined || label.hasOtherWriter) return;
    const file = await open(this.#dataFile, 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
    label.close();
  }

  get #dataFile(): string {
    return join(this.#path, 'data.mdb');
  }

  #objection(): string | undefined {
    if (!existsSync(this.#dataFile)) return undefined;
    const label = StoreLabel.read(this.#path);
    if (label === undefined) return 'its label is missing or cannot be read';
    return label.objection(this.owner) ?? checkDataFile(this.#dataFile, !label.hasOtherWriter);
  }

  async #openDatabase(): Promise<OpenedFolder> {
    // A label without a database is left of an attempt that failed.
    const label = existsSync(this.#dataFile) ? StoreLabel.read(this.#path) : undefined;
    this.#prepareFiles();
    const ownLabel = label ?? StoreLabel.create(this.#path, this.owner);
    ownLabel.beginReading();
    return { database: await Database.open(this.#path), label: ownLabel };
  }

  /** Finds problems that would end the process inside lmdb 3.5.6, and throws them as errors. */
  #prepareFiles(): void {
    const lockFile = join(this.#path, 'lock.mdb');
    // LMDB would create a sparse file and write to it through memory, where a full disk is fatal.
    if (!existsSync(lockFile)) writeFileSync(lockFile, Buffer.alloc(LOCK_FILE_BYTES), { mode: 0o600 });
    accessSync(lockFile, constants.R_OK | constants.W_OK);
    if (existsSync(this.#dataFile)) accessSync(this.#dataFile, constants.R_OK | constants.W_OK);
    else requireRoom(join(this.#path, 'room'), NEW_DATABASE_BYTES);
  }
}

/** @throws Error of the file system where there is no room for so much. */
function requireRoom(path: string, bytes: number): void {
  try {
    writeFileSync(path, Buffer.alloc(bytes));
  } finally {
    rmSync(path, { force: true });
  }
}
