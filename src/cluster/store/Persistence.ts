import type { Logger } from 'pino';
import type { Changes } from './Database.js';
import { isUnreadable } from './isDamage.js';
import { type OpenedFolder, ShardFolder, StoreInUseError } from './ShardFolder.js';
import { StateRecorder } from './StateRecorder.js';
import type { StoreOwner } from './StoreLabel.js';
import { StoreReader } from './StoreReader.js';
import type { IdData } from './stateData.js';

export interface PersistenceOptions extends StoreOwner {
  /** The bot's folder; the store is in `shards/<shardId>` of it. */
  readonly dataDir: string;
  readonly logger: Pick<Logger, 'debug' | 'warn' | 'error'>;
}

const NO_CHANGES: Changes = { clear: false, rows: new Map(), guilds: new Map(), records: new Map(), work: new Map() };

export interface StoreParts extends OpenedFolder {
  readonly reader: StoreReader;
  readonly recorder: StateRecorder;
}

/**
 * The files of a store for as long as they can be used. Whatever the disk, the folder or the database throws ends here: there
 * is one line in the log, the files are given up, and the bot runs on.
 */
export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #folder: ShardFolder;
  readonly #patchUser: (user: IdData) => void;
  #parts: StoreParts | undefined;
  #isDamaged = false;

  /** @param patchUser is called with a change of the bot's own user. */
  public constructor(options: PersistenceOptions, patchUser: (user: IdData) => void) {
    this.#options = options;
    this.#patchUser = patchUser;
    const { shardId, logger } = options;
    this.#folder = new ShardFolder(options.dataDir, options, (reason) =>
      logger.warn({ shardId }, `The store of shard ${shardId} was set aside, and a new one begins: ${reason}`),
    );
  }

  /** Undefined once the files have failed, or are closed. */
  public get parts(): StoreParts | undefined {
    return this.#parts;
  }

  /** See `ShardFolder`. */
  public get markFile(): string {
    return this.#folder.markFile;
  }

  public async open(): Promise<void> {
    try {
      const opened = await this.#folder.open();
      const { database } = opened;
      const recorder = new StateRecorder(database, this.#patchUser);
      this.#parts = { ...opened, recorder, reader: new StoreReader(database) };
    } catch (error) {
      // Once the process that writes it has released it, it can be replaced.
      if (error instanceof StoreInUseError && !this.#isDamaged) this.#isDamaged = true;
      else this.#fail(error);
    }
  }

  /**
   * Sets a database aside that this process could not read, and opens a new one. To be called before this process writes:
   * until then the database may belong to another process, which can do without the damaged parts.
   */
  public async replaceDamaged(): Promise<void> {
    if (!this.#isDamaged) return;
    const parts = this.#parts;
    this.#parts = undefined;
    try {
      await parts?.database.close();
      this.#folder.setAside('a part of it cannot be read');
      this.#isDamaged = false;
      await this.open();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reads. Once something could not be read, nothing is. */
  public read<Result>(read: (parts: StoreParts) => Result): Result | undefined {
    if (this.#parts === undefined || this.#isDamaged) return undefined;
    try {
      return read(this.#parts);
    } catch (error) {
      this.#cannotRead(error);
      return undefined;
    }
  }

  /** As `read()`. What the caller's own loop throws is not caught. */
  public async *readEach<Item>(read: (parts: StoreParts) => AsyncIterable<Item>): AsyncGenerator<Item, void> {
    if (this.#parts === undefined || this.#isDamaged) return;
    try {
      yield* read(this.#parts);
    } catch (error) {
      this.#cannotRead(error);
    }
  }

  /** Writes. Once something could not be written, nothing is. */
  public write(write: (parts: StoreParts) => void): void {
    if (this.#parts === undefined) return;
    try {
      write(this.#parts);
    } catch (error) {
      this.#fail(error);
    }
  }

  public commit(changes: (parts: StoreParts) => Pick<Changes, 'records' | 'work'>): void {
    this.write((parts) => parts.database.commit(() => ({ ...parts.recorder.take(), ...changes(parts) })));
  }

  /** Writes these and nothing else: no progress and no guilds, of which only the journal knows which belong together. */
  public commitOnly(changes: Partial<Changes>): void {
    this.write(({ database }) => database.commit(() => ({ ...NO_CHANGES, ...changes })));
  }

  public async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts === undefined) return;
    try {
      await parts.database.close();
      await this.#folder.settle();
    } catch (error) {
      this.#options.logger.debug(
        { shardId: this.#options.shardId, err: error },
        'the store could not be closed properly',
      );
    }
  }

  #cannotRead(error: unknown): void {
    if (isUnreadable(error)) this.#isDamaged = true;
    else this.#fail(error);
  }

  /** Gives the files up. What is in them stays: it is older, and consistent. */
  #fail(error: unknown): void {
    const parts = this.#parts;
    this.#parts = undefined;
    this.#isDamaged = false;
    const { shardId, logger } = this.#options;
    logger.error(
      { shardId, err: error },
      `The store of shard ${shardId} cannot be used; the bot runs on, but after a restart this shard must identify`,
    );
    parts?.database
      .close()
      .catch((failure: unknown) => logger.debug({ shardId, err: failure }, 'the store could not be closed either'));
  }
}
