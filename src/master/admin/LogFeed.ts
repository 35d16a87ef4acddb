import type { LogLine } from '../../core/contracts/AdminApi.js';
import type { LogBook, LogSource } from './LogBook.js';

const FLUSH_MS = 200;
/** Nobody reads more lines than this in one flush. The rest is counted. */
const MAX_LINES = 500;

/** Collects the log lines of one source, and passes them on several times a second. */
export class LogFeed {
  readonly #unfollow: () => void;
  readonly #pass: (lines: readonly LogLine[]) => void;
  #lines: LogLine[] = [];
  #leftOut = 0;
  #timer: NodeJS.Timeout | undefined;

  public constructor(book: LogBook, source: LogSource, pass: (lines: readonly LogLine[]) => void) {
    this.#pass = pass;
    this.#unfollow = book.follow(source, (line) => this.#add(line));
  }

  public stop(): void {
    this.#unfollow();
    clearTimeout(this.#timer);
  }

  #add(line: LogLine): void {
    if (this.#lines.length < MAX_LINES) this.#lines.push(line);
    else this.#leftOut += 1;
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    const lines = this.#lines;
    const last = lines.at(-1);
    if (this.#leftOut > 0 && last !== undefined) {
      lines.push({ ...last, level: 'warn', text: `... ${this.#leftOut} more lines at once are left out here` });
    }
    this.#lines = [];
    this.#leftOut = 0;
    this.#pass(lines);
  }
}
