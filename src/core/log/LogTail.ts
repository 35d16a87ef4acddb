import { createPrettyPrinter, type PrettyPrinter } from './prettyLine.js';
import { scrub } from './secrets.js';

/** Characters that one tail keeps at most: all tails of a large bot must fit into memory, however long the lines are. */
const MAX_CHARACTERS = 256 * 1024;

let print: PrettyPrinter | undefined;

/**
 * The last lines that a process printed, without secrets. They go into the error of a failed start, and to whoever asks. A tail
 * keeps at most `capacity` lines (default 200) and 256 k characters; older ones make room.
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

  /** Calls back with every line from now on, as {@link records} has it. @returns a function that ends this. */
  public follow(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @returns the last `count` lines (default: all) as they were printed, mostly JSON, oldest first. */
  public records(count = this.#capacity): readonly string[] {
    return count <= 0 ? [] : this.#lines.slice(-count);
  }

  /** @returns the last `count` lines (default: all) as people read them, oldest first. One with a stack holds line breaks. */
  public lines(count = this.#capacity): string[] {
    return this.records(count).map(readableLine);
  }
}

/** @returns a line as people read it. It has no colours, because it goes into errors, pages and files. */
export function readableLine(line: string): string {
  // Made when it is first needed: most tails are never read.
  print ??= createPrettyPrinter({ colorize: false });
  return print(line).trimEnd();
}
