import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../../core/files/JsonFile.js';
import type { Logger } from '../../core/log/logger.js';

const wallTime = z.number().nonnegative();
const count = z.number().int().nonnegative();

const schema = z.object({
  version: z.literal(1),
  total: count,
  remaining: count,
  resetAt: wallTime.nullable(),
  maxConcurrency: count.min(1),
  /** Per key (`shardId % maxConcurrency`), when an IDENTIFY was last sent, in milliseconds since 1970. */
  usedAt: z.record(z.string().regex(/^\d+$/), wallTime),
  /** Shards whose slot is out. The name is older than the word: another one could not be read after an upgrade. */
  leasedShardIds: z.array(count),
});

/** What must outlive the master, so that the next one identifies neither too early nor too often. */
export type IdentifyRecord = Omit<z.infer<typeof schema>, 'version'>;

/** Where {@link IdentifyQueue} keeps its record. */
export interface IdentifyStore {
  load(): IdentifyRecord | undefined;
  save(record: IdentifyRecord): void;
}

/**
 * The record in the file `identify.json` of DATA_DIR.
 *
 * A write replaces the file as a whole, and is synchronous: a slot must not leave the master before the file says so, whatever
 * kills the master then. The file has 300 bytes, and is written a few times a second at most. There is no fsync. After a crash of
 * the operating system the file may be old or empty, and then Discord's own numbers count, as for a file that cannot be read. A
 * file that cannot be written is one warning, and the bot goes on without it.
 */
export class IdentifyBudgetStore implements IdentifyStore {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #logger: Logger;

  public constructor(dataDir: string, logger: Logger) {
    this.#file = new JsonFile(join(dataDir, 'identify.json'), schema);
    this.#logger = logger;
  }

  public load(): IdentifyRecord | undefined {
    return this.#file.load(this.#logger, "Discord's numbers count alone");
  }

  public save(record: IdentifyRecord): void {
    this.#file.save({ version: 1, ...record }, this.#logger, 'a restarted master will not know the identify budget');
  }
}
