import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';
import type { Logger } from '../../core/log/logger.js';
import { type DiscordApi, DiscordRequestError } from './DiscordApi.js';

/** What Discord returns, cut down to the fields that we define, with the defaults that it leaves out. */
const registeredSchema = z.object({
  /** 1: a slash command. Others (context menus) are not ours to define, and count as a difference. */
  type: z.literal(1).default(1),
  name: z.string(),
  description: z.string().default(''),
  options: z
    .array(
      z.object({
        type: z.number(),
        name: z.string(),
        description: z.string(),
        required: z.boolean().default(false),
        choices: z.array(z.object({ name: z.string(), value: z.union([z.string(), z.number()]) })).default([]),
      }),
    )
    .default([]),
});

/**
 * Makes Discord's list of the bot's slash commands equal to ours, once, and writes only where it differs: Discord allows
 * 200 new commands a day, and a write takes its time to reach every user.
 *
 * A bot whose commands could not be registered still serves those that are, so no failure gets out: it is a warning.
 */
export class CommandRegistrar {
  readonly #api: Pick<DiscordApi, 'getCommands' | 'putCommands'>;
  readonly #logger: Logger;

  public constructor(api: Pick<DiscordApi, 'getCommands' | 'putCommands'>, logger: Logger) {
    this.#api = api;
    this.#logger = logger;
  }

  public async register(
    applicationId: string,
    commands: readonly CommandDefinition[],
  ): Promise<'unchanged' | 'changed' | 'failed'> {
    try {
      const registered = await this.#registered(applicationId);
      if (registered !== undefined && sameCommands(commands, registered)) return 'unchanged';
      await this.#api.putCommands(applicationId, commands);
      this.#logger.info(`registered ${commands.length} slash commands`);
      return 'changed';
    } catch (error) {
      this.#logger.warn({ err: error }, 'the slash commands could not be registered; those of before, if any, stay');
      return 'failed';
    }
  }

  /** @returns undefined where the API cannot say (a proxy that passes only what bots usually do). */
  async #registered(applicationId: string): Promise<readonly unknown[] | undefined> {
    try {
      return await this.#api.getCommands(applicationId);
    } catch (error) {
      if (error instanceof DiscordRequestError && (error.status === 404 || error.status === 405)) return undefined;
      throw error;
    }
  }
}

/** Whether the lists mean the same: order of commands does not count, order of options does, as users see it. */
export function sameCommands(ours: readonly CommandDefinition[], registered: readonly unknown[]): boolean {
  const [wanted, found] = [normalised(ours), normalised(registered)];
  return wanted !== undefined && isDeepStrictEqual(wanted, found);
}

/** @returns undefined where a command has something that we cannot define. */
function normalised(commands: readonly unknown[]): readonly unknown[] | undefined {
  const parsed = z.array(registeredSchema).safeParse(commands);
  return parsed.success ? parsed.data.sort((a, b) => (a.name < b.name ? -1 : 1)) : undefined;
}
