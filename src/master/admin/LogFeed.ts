import type { LogLine } from '../../core/contracts/AdminApi.js';
import type { LogBook, LogSource } from './LogBook.js';

const FLUSH_MS = 200;
/** More lines than this in one flush are nothing that anybody reads; the rest is counted. */
const MAX_LINES = 500;

/** Collects the log lines of one source, and hands them on several times a second. */
export class LogFeed {
  readonly #unfollow: () => void;
  readonly #tell: (lines: readonly LogLine[]) => void;
  #lines: LogLine[] = [];
  #left = 0;
  #timer: NodeJS.Timeout | undefined;

  public constructor(book: LogBook, source: LogSource, tell: (lines: readonly LogLine[]) => void) {
    this.#tell = tell;
    this.#unfollow = book.follow(source, (line) => this.#add(line));
  }

  public stop(): void {
    this.#unfollow();
    clearTimeout(this.#timer);
  }

  #add(line: LogLine): void {
    if (this.#lines.length < MAX_LINES) this.#lines.push(line);
    else this.#left += 1;
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    const lines = this.#lines;
    const last = lines.at(-1);
    if (this.#left > 0 && last !== undefined) {
      lines.push({ ...last, level: 'warn', text: `... ${this.#left} more lines at once are left out here` });
    }
    this.#lines = [];
    this.#left = 0;
    this.#tell(lines);
  }
}
