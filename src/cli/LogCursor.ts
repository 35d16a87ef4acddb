import type { LogLine } from '../core/contracts/AdminApi.js';

/** How many lines are remembered. A stream begins with the last 100, whatever its reader has seen. */
const MEMORY = 2_000;

/**
 * Remembers how far a reader of logs has come. Lines have no ids, and a line with the same text may be a new one. Therefore lines are
 * compared, and counted, only where a stream begins again.
 */
export class LogCursor {
  #printed: string[] = [];

  /** Remembers these lines as printed. @returns them. */
  public take(lines: readonly LogLine[]): readonly LogLine[] {
    this.#printed = [...this.#printed, ...lines.map(keyOf)].slice(-MEMORY);
    return lines;
  }

  /** @returns those of the first lines of a stream that were not printed yet. */
  public skipPrinted(lines: readonly LogLine[]): readonly LogLine[] {
    const printed = new Map<string, number>();
    for (const key of this.#printed) printed.set(key, (printed.get(key) ?? 0) + 1);
    return lines.filter((line) => {
      const key = keyOf(line);
      const count = printed.get(key) ?? 0;
      printed.set(key, count - 1);
      return count <= 0;
    });
  }
}

function keyOf({ clusterId, time, text }: LogLine): string {
  return `${clusterId} ${time} ${text}`;
}
