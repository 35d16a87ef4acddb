import { createPrettyPrinter, type PrettyPrinter } from './prettyLine.js';
import { scrub } from './secrets.js';

/** However long the lines are, all tails of a large bot must fit into memory. In characters, for each tail. */
const MAX_CHARACTERS = 256 * 1024;

let print: PrettyPrinter | undefined;

/**
 * The last lines that a worker printed, scrubbed: for the error that says why it did not start, and for whoever asks.
 * At most `capacity` lines and 256 k characters; older ones make room.
 */
export class LogTail {
  readonly #capacity: number;
  #lines: string[] = [];
  #characters = 0;

  public constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  public push(line: string): void {
    const clean = scrub(line);
    this.#lines.push(clean);
    this.#characters += clean.length;
    while (this.#lines.length > this.#capacity || (this.#characters > MAX_CHARACTERS && this.#lines.length > 1)) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }

  /** @returns the last `count` lines as a person reads them, oldest first; one with a stack holds line breaks. */
  public lines(count = this.#capacity): string[] {
    // Made at the first use: most tails are never read. No colours: the lines go into errors, pages and files.
    print ??= createPrettyPrinter({ colorize: false });
    return count <= 0 ? [] : this.#lines.slice(-count).map((line) => (print as PrettyPrinter)(line).trimEnd());
  }
}
