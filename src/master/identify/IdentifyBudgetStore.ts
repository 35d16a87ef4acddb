import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../core/log/logger.js';

const wallTime = z.number().nonnegative();
const count = z.number().int().nonnegative();

const schema = z.object({
  version: z.literal(1),
  total: count,
  remaining: count,
  resetAt: wallTime.nullable(),
  maxConcurrency: count.min(1),
  /** Per key (`shardId % maxConcurrency`): when an IDENTIFY was last sent, wall clock. */
  usedAt: z.record(z.string().regex(/^\d+$/), wallTime),
  /** Shards that hold the permission to identify at this moment. */
  leasedShardIds: z.array(count),
});

/** What must outlive the master, so that the next one neither identifies too early nor too often. */
export type IdentifyRecord = Omit<z.infer<typeof schema>, 'version'>;

/** Where {@link IdentifyQueue} keeps its record. */
export interface IdentifyStore {
  load(): IdentifyRecord | undefined;
  save(record: IdentifyRecord): void;
}

/**
 * The record in a file of DATA_DIR.
 *
 * Writing replaces the file as a whole, and is synchronous: a permission must not leave the master before the file says
 * so, whatever kills it then (300 bytes, a few times a second at most). There is no fsync: after a crash of the operating
 * system the file may be old or empty, and then Discord's own numbers count, as for a file that cannot be read.
 * A file that cannot be written is said once, and the bot goes on without.
 */
export class IdentifyBudgetStore implements IdentifyStore {
  readonly #path: string;
  readonly #logger: Logger;
  #saidUnwritable = false;

  public constructor(dataDir: string, logger: Logger) {
    this.#path = join(dataDir, 'identify.json');
    this.#logger = logger;
  }

  public load(): IdentifyRecord | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if (!isAbsent(error))
        this.#logger.warn({ err: error }, `${this.#path} cannot be read; Discord's numbers count alone`);
      return undefined;
    }
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    this.#logger.warn(`${this.#path} is damaged or of another version; Discord's numbers count alone`);
    return undefined;
  }

  public save(record: IdentifyRecord): void {
    // One master per DATA_DIR, so one writer: the name of the temporary file needs no more than this.
    const temporary = `${this.#path}.tmp`;
    try {
      writeFileSync(temporary, `${JSON.stringify({ version: 1, ...record } satisfies z.infer<typeof schema>)}\n`, {
        mode: 0o600,
      });
      renameSync(temporary, this.#path);
      this.#saidUnwritable = false;
    } catch (error) {
      if (this.#saidUnwritable) return;
      this.#saidUnwritable = true;
      this.#logger.warn(
        { err: error },
        `${this.#path} cannot be written; a restarted master will not know the identify budget`,
      );
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The schema refuses it, with the same log line as other damage.
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
