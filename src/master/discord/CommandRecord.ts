import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../core/log/logger.js';

const entry = z.object({
  id: z.string(),
  /** What was defined, and what Discord made of it: digests of `CommandFields`. */
  wanted: z.string(),
  kept: z.string(),
});

const schema = z.object({ version: z.literal(1), applicationId: z.string(), commands: z.record(z.string(), entry) });

export type RecordedCommand = Readonly<z.infer<typeof entry>>;

/**
 * Which commands this bot has registered, by name, in a file of DATA_DIR. Discord does not say who made a command, so this is
 * what tells one that was removed from the code from one that somebody else registered.
 *
 * A record that is missing, damaged or another application's costs no more than that: nothing is removed.
 */
export class CommandRecord {
  readonly #path: string;
  readonly #logger: Logger;
  #saidUnwritable = false;

  public constructor(dataDir: string, logger: Logger) {
    this.#path = join(dataDir, 'commands.json');
    this.#logger = logger;
  }

  /** @returns undefined where there is none of this application. */
  public load(applicationId: string): ReadonlyMap<string, RecordedCommand> | undefined {
    try {
      const record = schema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return record.applicationId === applicationId ? new Map(Object.entries(record.commands)) : undefined;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        this.#logger.warn({ err: error }, `${this.#path} cannot be read; no slash command is removed from Discord`);
      }
      return undefined;
    }
  }

  public save(applicationId: string, commands: ReadonlyMap<string, RecordedCommand>): void {
    const record: z.infer<typeof schema> = { version: 1, applicationId, commands: Object.fromEntries(commands) };
    try {
      writeFileSync(`${this.#path}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      if (this.#saidUnwritable) return;
      this.#saidUnwritable = true;
      const consequence = 'a slash command that is taken out of the code will stay in Discord';
      this.#logger.warn({ err: error }, `${this.#path} cannot be written; ${consequence}`);
    }
  }
}
