import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';

/** A dispatch whose code is on the stack. Times are in milliseconds, by `ShardStoreOptions.steadyNow`. */
export interface OnStack {
  /** 16 hexadecimal digits that tell sessions apart: sequence numbers begin anew with each. */
  readonly session: string;
  readonly seq: number;
  /** With how many deaths of processes it will have run if this one dies now. */
  readonly runs: number;
  /** When its dispatch came. */
  readonly since: number;
  /** When the part of its work that runs now got on the stack. */
  readonly enteredAt: number;
  /** The name of the dispatch, or of its command where it is one. */
  readonly name: string;
  /** The id of the interaction or message; empty where the dispatch has none. */
  readonly id: string;
}

export interface FoundMark {
  /** The process that wrote it. */
  readonly pid: number;
  /** The newest dispatch that it has had on its stack; undefined where it has had none. */
  readonly newest: Pick<OnStack, 'session' | 'seq'> | undefined;
  readonly onStack: OnStack | undefined;
}

const MAGIC = 0x4b4d_3031;
const AT = {
  magic: 0,
  pid: 4,
  state: 8,
  runs: 9,
  nameLength: 10,
  idLength: 11,
  seq: 16,
  since: 24,
  enteredAt: 32,
} as const;
const SESSION = { at: 40, length: 8 } as const;
const NAME = { at: 48, length: 48 } as const;
const ID = { at: 96, length: 24 } as const;
const NEWEST = 120;
/** The sequence number once more. A mark in which the two differ was cut off or overwritten in part, and is not believed. */
const SEQ_AGAIN = 128;
const LENGTH = 136;
const CLEAR = Buffer.of(0);

/**
 * A few bytes in a file that say what a process has on its stack for one shard. It writes them in place, before and after,
 * which takes about a microsecond. They then lie with the operating system: whatever ends the process leaves them as they are.
 *
 * Writing never throws. Where the file cannot be written there are no marks, and `onFailure` is called.
 */
export class StackMark {
  readonly #bytes = Buffer.alloc(LENGTH);
  #file: number | undefined;
  #session = '';
  #newestSeq = 0;

  public constructor(
    private readonly path: string,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /**
   * @returns what the last process has left. Undefined where there is no file: it stopped in order, or there was none.
   * @throws Error where the file cannot be read, or is not a mark.
   */
  public static read(path: string): FoundMark | undefined {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    if (bytes.length !== LENGTH || bytes.readUInt32LE(AT.magic) !== MAGIC) throw new Error('it is not a mark');
    const pid = bytes.readUInt32LE(AT.pid);
    const newestSeq = bytes.readDoubleLE(NEWEST);
    const session = bytes.toString('hex', SESSION.at, SESSION.at + SESSION.length);
    const newest = newestSeq === 0 ? undefined : { session, seq: newestSeq };
    if (bytes[AT.state] === 0) return { pid, newest, onStack: undefined };
    const seq = bytes.readDoubleLE(AT.seq);
    if (!Number.isSafeInteger(seq) || seq <= 0 || seq !== bytes.readDoubleLE(SEQ_AGAIN)) {
      throw new Error('it is damaged');
    }
    const text = (at: number, length: number | undefined): string => bytes.toString('latin1', at, at + (length ?? 0));
    const onStack: OnStack = {
      session,
      seq,
      runs: bytes[AT.runs] ?? 0,
      since: bytes.readDoubleLE(AT.since),
      enteredAt: bytes.readDoubleLE(AT.enteredAt),
      name: text(NAME.at, Math.min(NAME.length, bytes[AT.nameLength] ?? 0)),
      id: text(ID.at, Math.min(ID.length, bytes[AT.idLength] ?? 0)),
    };
    return { pid, newest, onStack };
  }

  /** The mark is this process's from now on, and says that nothing is on the stack. */
  public open(): void {
    this.close();
    this.#bytes.fill(0);
    this.#session = '';
    this.#bytes.writeUInt32LE(MAGIC, AT.magic);
    this.#bytes.writeUInt32LE(process.pid, AT.pid);
    try {
      // It is not truncated first: at no moment would a process that dies leave half a mark.
      this.#file = openSync(this.path, 'a+', 0o600);
      closeSync(this.#file);
      this.#file = openSync(this.path, 'r+');
      writeSync(this.#file, this.#bytes, 0, LENGTH, 0);
      ftruncateSync(this.#file, LENGTH);
    } catch (error) {
      this.#fail(error);
    }
  }

  public enter({ session, seq, runs, since, name, id }: Omit<OnStack, 'enteredAt'>, enteredAt: number): void {
    if (this.#file === undefined) return;
    const bytes = this.#bytes;
    // Work of an earlier session may still go on, with a larger number.
    this.#newestSeq = session === this.#session ? Math.max(this.#newestSeq, seq) : seq;
    this.#session = session;
    bytes.writeDoubleLE(this.#newestSeq, NEWEST);
    bytes[AT.state] = 1;
    bytes[AT.runs] = Math.min(runs, 255);
    bytes[AT.nameLength] = bytes.write(name, NAME.at, NAME.length, 'latin1');
    bytes[AT.idLength] = bytes.write(id, ID.at, ID.length, 'latin1');
    bytes.writeDoubleLE(seq, AT.seq);
    bytes.writeDoubleLE(since, AT.since);
    bytes.writeDoubleLE(enteredAt, AT.enteredAt);
    bytes.write(session, SESSION.at, SESSION.length, 'hex');
    bytes.writeDoubleLE(seq, SEQ_AGAIN);
    this.#write(bytes, 0);
  }

  public leave(): void {
    this.#write(CLEAR, AT.state);
  }

  /** Leaves the file as it is. */
  public close(): void {
    if (this.#file === undefined) return;
    const file = this.#file;
    this.#file = undefined;
    try {
      closeSync(file);
    } catch (error) {
      this.onFailure(error);
    }
  }

  /** There is no mark any more: this process ends in order. Does nothing where the mark is not this process's. */
  public remove(): void {
    if (this.#file === undefined) return;
    this.close();
    try {
      rmSync(this.path, { force: true });
    } catch (error) {
      this.onFailure(error);
    }
  }

  #write(bytes: Buffer, at: number): void {
    if (this.#file === undefined) return;
    try {
      writeSync(this.#file, bytes, 0, bytes.length, at);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.onFailure(error);
    this.close();
  }
}
