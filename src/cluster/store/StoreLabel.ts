import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import {
  bootId,
  identityOf,
  isRunning,
  isSameProcess,
  type ProcessIdentity,
} from '../../core/files/processIdentity.js';
import { replaceFile } from '../../core/files/replaceFile.js';
import { STORE_LABEL } from '../../core/files/storeWriters.js';

/** Raised with every change of what rows mean. */
const FORMAT = 1;
/** A database is not opened again after so many processes in a row died while they read it. */
const MAX_DEATHS = 3;

/** The time of a boot is computed from the wall clock, which may be set. */
const BOOT_TIME_TOLERANCE_MS = 60_000;

/** Whose state a store holds. */
export interface StoreOwner {
  /** A hash of the bot's token, which is not stored itself. */
  readonly tokenHash: string;
  readonly shardId: number;
  readonly shardCount: number;
}

/** One run of the operating system. Where it has no id, the time of its start must do. */
interface BootLife {
  readonly id: string | null;
  readonly bootedAt: number;
}

interface LabelContent extends StoreOwner {
  readonly format: number;
  /** The process that writes now; null after it has released the shard. The master reads it too, see `storeWriters`. */
  readonly writer: ProcessIdentity | null;
  /** The run of the operating system in which it was last written. */
  readonly boot: BootLife;
  /** Whether all of it has reached the disk. */
  readonly clean: boolean;
  /** How many processes in a row have opened it and have not said that reading it went well. */
  readonly openings: number;
}

/**
 * A small file beside a database that says what must be known before the database may be opened. The writing process owns it.
 * Another process writes it only where nobody owns it.
 */
export class StoreLabel {
  readonly #folder: string;
  #content: LabelContent;

  private constructor(folder: string, content: LabelContent) {
    this.#folder = folder;
    this.#content = content;
  }

  /** @throws Error of the file system. */
  public static create(folder: string, owner: StoreOwner): StoreLabel {
    const { tokenHash, shardId, shardCount } = owner;
    const boot = currentBoot();
    const content = { format: FORMAT, tokenHash, shardId, shardCount, writer: null, boot, clean: true, openings: 0 };
    const label = new StoreLabel(folder, content);
    label.#write({});
    return label;
  }

  /** @returns undefined where there is none, or no readable one. */
  public static read(folder: string): StoreLabel | undefined {
    try {
      return new StoreLabel(folder, JSON.parse(readFileSync(join(folder, STORE_LABEL), 'utf8')) as LabelContent);
    } catch {
      return undefined;
    }
  }

  /** @returns why the database must not be used; undefined where it may. */
  public objection(owner: StoreOwner): string | undefined {
    const { format, tokenHash, shardId, shardCount, writer, boot, clean, openings } = this.#content;
    if (format !== FORMAT) return `it has format ${format}, and this version of Kallisti reads format ${FORMAT}`;
    if (tokenHash !== owner.tokenHash) return 'it belongs to another token';
    if (shardId !== owner.shardId || shardCount !== owner.shardCount) {
      return `it belongs to shard ${shardId} of ${shardCount}, not to shard ${owner.shardId} of ${owner.shardCount}`;
    }
    if (writer !== null && this.hasOtherWriter) return undefined;
    if (!clean && !isSameBoot(boot, currentBoot()))
      return 'the operating system stopped before all of it was on the disk';
    return openings >= MAX_DEATHS ? `${openings} processes died while they read it` : undefined;
  }

  /** Whether another process serves this shard at the moment. */
  public get hasOtherWriter(): boolean {
    const { writer } = this.#content;
    // A process of another container cannot be seen, and counts as gone: the lock of DATA_DIR says who may be here.
    return writer !== null && !isSameProcess(writer, identityOf(process.pid)) && isRunning(writer) === true;
  }

  /** Counts an opening, before the database is opened. Where reading it ends the process, the next one can see that. */
  public beginReading(): void {
    if (!this.hasOtherWriter) this.#write({ openings: this.#content.openings + 1 });
  }

  /** This process has read the database, and writes it from now on. */
  public beginWriting(): void {
    this.#write({ writer: identityOf(process.pid), boot: currentBoot(), clean: false, openings: 0 });
  }

  /** This process writes no more. */
  public endWriting(): void {
    this.#write({ writer: null });
  }

  /** This process has closed the database, and all of it is on the disk. */
  public close(): void {
    this.#write({ writer: null, openings: 0, clean: true });
  }

  #write(changes: Partial<LabelContent>): void {
    this.#content = { ...this.#content, ...changes };
    replaceFile(join(this.#folder, STORE_LABEL), JSON.stringify(this.#content));
  }
}

function currentBoot(): BootLife {
  return { id: bootId(), bootedAt: Math.round(Date.now() - uptime() * 1000) };
}

function isSameBoot(a: BootLife, b: BootLife): boolean {
  if (a.id !== null && b.id !== null) return a.id === b.id;
  return Math.abs(a.bootedAt - b.bootedAt) < BOOT_TIME_TOLERANCE_MS;
}
