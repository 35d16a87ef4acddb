import { join } from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../../core/files/JsonFile.js';
import type { Logger } from '../../core/log/logger.js';

const entry = z.object({
  id: z.string(),
  /** Digests of `CommandFields`: what was defined, and what Discord made of it. */
  wanted: z.string(),
  kept: z.string(),
});

const schema = z.object({ version: z.literal(1), applicationId: z.string(), commands: z.record(z.string(), entry) });

export type RecordedCommand = Readonly<z.infer<typeof entry>>;

/**
 * Remembers in a file of DATA_DIR which commands this bot has registered, by name. Discord does not say who made a command. The
 * record tells a command that was removed from the code from one that somebody else registered.
 *
 * Where it is missing, damaged or another application's, no command is removed.
 */
export class CommandRecord {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #logger: Logger;

  public constructor(dataDir: string, logger: Logger) {
    this.#file = new JsonFile(join(dataDir, 'commands.json'), schema);
    this.#logger = logger;
  }

  /** @returns undefined where there is no record of this application. */
  public load(applicationId: string): ReadonlyMap<string, RecordedCommand> | undefined {
    const record = this.#file.load(this.#logger, 'no slash command is removed from Discord');
    return record?.applicationId === applicationId ? new Map(Object.entries(record.commands)) : undefined;
  }

  public save(applicationId: string, commands: ReadonlyMap<string, RecordedCommand>): void {
    const record = { version: 1 as const, applicationId, commands: Object.fromEntries(commands) };
    this.#file.save(record, this.#logger, 'a slash command that is taken out of the code will stay in Discord');
  }
}
