import type { Readable } from 'node:stream';
import type { LogTail } from './LogTail.js';
import { type LogBindings, type Logger, writeLine } from './logger.js';
import { cutNote, splitLines } from './splitLines.js';

/** Characters of the longest line that is passed on. Docker splits lines at the same size. */
export const MAX_FORWARDED_LENGTH = 16 * 1024;
/** A JSON line that is too long keeps its fields, but texts (mostly a stack or an answer's body) are cut to so many characters. */
const MAX_FIELD_LENGTH = 2048;

export type OutputName = 'stdout' | 'stderr';

export interface LineForwarderOptions {
  readonly logger: Logger;
  /** Whose output it is. Added to lines that do not say so themselves. */
  readonly bindings: LogBindings;
  /** Gets every line too, whatever the logger's level. Default: nobody does. */
  readonly tail?: LogTail;
}

/**
 * Passes the output of a worker on to a logger.
 *
 * Pino's JSON lines keep their level, time and fields. They are shown whatever the logger's level, because the worker has already
 * filtered by its own. Any other line becomes a message with the field `stream`, at `info` from stdout and `warn` from stderr.
 * Blank lines are left out. Lines above 16 k characters are cut, and end with a note.
 */
export class LineForwarder {
  readonly #logger: Logger;
  readonly #bindings: LogBindings;
  readonly #tail: LogTail | undefined;

  public constructor({ logger, bindings, tail }: LineForwarderOptions) {
    this.#logger = logger;
    this.#bindings = bindings;
    this.#tail = tail;
  }

  /**
   * Forwards a stream until it ends. A process's output may end after the process.
   *
   * @param signal Lets go of the stream, so that somebody else can read on. Default: nothing does.
   * @returns a promise that resolves when the last line was forwarded. It never rejects.
   */
  public attach(stream: Readable, name: OutputName, signal?: AbortSignal): Promise<void> {
    return splitLines(stream, (line) => this.forward(line, name), signal);
  }

  public forward(line: string, stream: OutputName): void {
    if (line.trim() === '') return;
    const record = parseRecord(line);
    if (record === undefined) this.#forwardText(line, stream);
    else this.#forwardRecord(line, record);
  }

  #forwardRecord(line: string, record: LogRecord): void {
    const complete =
      line.length <= MAX_FORWARDED_LENGTH && (this.#bindings.kind === undefined || record.kind !== undefined);
    const { level, time, ...fields } = record;
    const text = complete ? line : stringifyShort({ level, time, ...this.#bindings, ...fields }, line.length);
    this.#tail?.push(text);
    writeLine(this.#logger, text);
  }

  #forwardText(line: string, stream: OutputName): void {
    const msg = line.length <= MAX_FORWARDED_LENGTH ? line : line.slice(0, MAX_FORWARDED_LENGTH) + cutNote(line.length);
    const [label, level] = stream === 'stdout' ? (['info', 30] as const) : (['warn', 40] as const);
    const record = { level, time: Date.now(), ...this.#bindings, stream, msg };
    const text = JSON.stringify(record);
    this.#tail?.push(text);
    // The worker chose no level for it, so the logger's own counts.
    if (this.#logger.isLevelEnabled(label)) writeLine(this.#logger, text);
  }
}

type LogRecord = Record<string, unknown> & { readonly level: number; readonly time: number };

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is LogRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { level, time } = value as Partial<LogRecord>;
  return typeof level === 'number' && level >= 10 && level <= 60 && typeof time === 'number';
}

function stringifyShort(record: LogRecord, length: number): string {
  const text = JSON.stringify(record);
  if (text.length <= MAX_FORWARDED_LENGTH) return text;
  const shorter = JSON.stringify({ ...record, cutFrom: length }, (_key, value: unknown) =>
    typeof value === 'string' ? cut(value) : value,
  );
  if (shorter.length <= MAX_FORWARDED_LENGTH) return shorter;
  const { level, time, pid, kind, id, msg } = record;
  return JSON.stringify({ level, time, pid, kind, id, cutFrom: length, msg: typeof msg === 'string' ? cut(msg) : '' });
}

function cut(text: string): string {
  return text.length <= MAX_FIELD_LENGTH ? text : text.slice(0, MAX_FIELD_LENGTH) + cutNote(text.length);
}
