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
  readonly #listeners = new Set<(line: string) => void>();

  public constructor(capacity = 200) {
    this.#capacity = capacity;
  }

  public push(line: string): void {
    const clean = scrub(line);
    for (const listener of this.#listeners) listener(clean);
    this.#lines.push(clean);
    this.#characters += clean.length;
    while (this.#lines.length > this.#capacity || (this.#characters > MAX_CHARACTERS && this.#lines.length > 1)) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }

  /** Calls back with every line from now on, as {@link records} has it. @returns what ends that. */
  public follow(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @returns the last `count` lines as they were printed, mostly JSON, oldest first. */
  public records(count = this.#capacity): readonly string[] {
    return count <= 0 ? [] : this.#lines.slice(-count);
  }

  /** @returns the last `count` lines as a person reads them, oldest first; one with a stack holds line breaks. */
  public lines(count = this.#capacity): string[] {
    return this.records(count).map(readableLine);
  }
}

/** @returns a line as a person reads it, without colours: it goes into errors, pages and files. */
export function readableLine(line: string): string {
  // Made at the first use: most tails are never read.
  print ??= createPrettyPrinter({ colorize: false });
  return print(line).trimEnd();
}
