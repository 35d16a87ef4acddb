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
