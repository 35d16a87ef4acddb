import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../files/JsonFile.js';
import type { Logger } from '../log/logger.js';

const count = z.number().int().positive();

const schema = z.object({
  version: z.literal(1),
  /** A hash of the token and the API's URL. Another bot has its own number. */
  key: z.string(),
  /** Null until a cluster has been ready with this number. */
  shardCount: count.nullable(),
});

/** What is read here of the label beside a shard's store. The cluster writes it. */
const labelSchema = z.object({ tokenHash: z.string(), shardCount: count });

export interface LayoutOptions {
  readonly dataDir: string;
  readonly token: string;
  readonly apiUrl: string;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/**
 * Keeps the number of shards that the bot has, in `DATA_DIR/layout.json`. Sessions and stores belong to that number. A bot with
 * another number would lose all of them, so `SHARD_COUNT=auto` keeps it.
 *
 * The layout keeps no number that Discord has never accepted. If the file cannot be written, the log says so and the bot goes on.
 */
export class Layout {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #shards: string;
  readonly #key: string;
  readonly #tokenHash: string;
  readonly #logger: Pick<Logger, 'info' | 'warn'>;
  #written: number | null | undefined;
  #said: number | undefined;

  public constructor({ dataDir, token, apiUrl, logger }: LayoutOptions) {
    this.#file = new JsonFile(join(dataDir, 'layout.json'), schema);
    this.#shards = join(dataDir, 'shards');
    this.#key = hash(`${apiUrl}\n${token}`);
    this.#tokenHash = hash(token);
    this.#logger = logger;
  }

  /** @returns the number that is kept. Undefined if there is none: Discord's recommendation counts then. */
  public load(): number | undefined {
    // An earlier version of Kallisti wrote no such file, and somebody may have removed it.
    if (!existsSync(this.#file.path)) return this.#findInStores();
    const content = this.#file.load(this.#logger, 'SHARD_COUNT=auto follows Discord');
    return content?.key === this.#key ? (content.shardCount ?? undefined) : undefined;
  }

  /**
   * Writes the file before the first login. From then on nobody asks the stores, because their labels also hold a number that
   * Discord refuses.
   */
  public begin(laidOut: number | undefined): void {
    this.#save(laidOut ?? null);
  }

  /** Discord has accepted this number. */
  public commit(shardCount: number): void {
    if (this.#written !== shardCount) this.#save(shardCount);
  }

  /** Logs how many shards Discord recommends now, if that is another number. Logs each number once. */
  public compare(shardCount: number, recommended: number): void {
    if (recommended === this.#said) return;
    this.#said = recommended;
    if (recommended === shardCount) return;
    const level = recommended > shardCount ? 'warn' : 'info';
    this.#logger[level](
      `Discord recommends ${recommended} shards now; SHARD_COUNT=auto keeps its ${shardCount}, and so all sessions. ` +
        `To change, set SHARD_COUNT=${recommended}: every shard logs in anew then (${recommended} IDENTIFYs)`,
    );
  }

  #findInStores(): number | undefined {
    // The lowest shard knows it. The bot may have had more shards once, and their stores are still there.
    for (const id of this.#shardIds()) {
      const label = new JsonFile(join(this.#shards, String(id), 'label.json'), labelSchema).tryRead();
      if (label?.tokenHash === this.#tokenHash) return label.shardCount;
    }
    return undefined;
  }

  #shardIds(): number[] {
    try {
      const names = readdirSync(this.#shards).filter((name) => /^\d+$/.test(name));
      return names.map(Number).sort((a, b) => a - b);
    } catch {
      return []; // No cluster has ever run here.
    }
  }

  #save(shardCount: number | null): void {
    const content = { version: 1 as const, key: this.#key, shardCount };
    if (this.#file.save(content, this.#logger, 'the next start follows Discord')) this.#written = shardCount;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
