import { createHash } from 'node:crypto';
import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';
import { AbortError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { CommandRecord, RecordedCommand } from './CommandRecord.js';
import { type CommandFields, changedFields, commandFields, patchOf } from './commandFields.js';
import { type DiscordApi, DiscordRequestError, type RegisteredCommand } from './DiscordApi.js';

type CommandsApi = Pick<
  DiscordApi,
  'getCommands' | 'getIntegrationTypes' | 'overwriteCommands' | 'createCommand' | 'editCommand' | 'deleteCommand'
>;

const CHAT_INPUT = 1;

/**
 * Makes the bot's slash commands in Discord equal to its definitions, field by field. It writes only what differs: a write takes
 * its time to reach every user, and Discord allows 200 new commands a day.
 *
 * Commands are told apart by name. Commands of others (of the bot's own code, or made by hand) are left as they are. So each
 * command is written by itself: a list that replaces all of them would lose one that somebody registers at that moment. Only if
 * Discord has no command at all are ours written as one list, because Discord takes five single ones in 20 s. A command that
 * this bot has registered and no longer defines is removed; {@link CommandRecord} remembers it.
 *
 * A failure is a warning and is not thrown: the bot still serves the commands that are registered. A definition that Discord
 * refuses does not keep the others from being registered.
 */
export class CommandRegistrar {
  readonly #api: CommandsApi;
  readonly #record: CommandRecord;
  readonly #logger: Logger;

  public constructor(api: CommandsApi, record: CommandRecord, logger: Logger) {
    this.#api = api;
    this.#record = record;
    this.#logger = logger;
  }

  /** Registers the commands that this cluster defines. Never rejects. */
  public async registerFrom(cluster: Pick<ClusterConnection, 'request'>, applicationId: string): Promise<void> {
    try {
      await this.register(applicationId, await cluster.request('describeCommands', undefined));
    } catch (error) {
      this.#logger.warn({ err: error }, 'the slash commands were not registered');
    }
  }

  public async register(
    applicationId: string,
    definitions: readonly CommandDefinition[],
  ): Promise<'unchanged' | 'changed' | 'failed'> {
    const run = new Run(this.#api, applicationId, this.#record, this.#logger);
    try {
      await run.register(new Map(definitions.map((definition) => [definition.name, definition])));
    } catch (error) {
      run.failed = true;
      // Aborted: the master stops, and the next one goes on.
      if (!(error instanceof AbortError)) {
        this.#logger.warn({ err: error }, 'slash commands could not be registered; those of before, if any, stay');
      }
    }
    const done = Object.entries(run.done).filter(([, names]) => names.length > 0);
    if (done.length > 0) {
      this.#logger.info(`slash commands: ${done.map(([what, names]) => `${what} ${names.join(', ')}`).join('; ')}`);
    }
    if (run.failed) return 'failed';
    return done.length > 0 ? 'changed' : 'unchanged';
  }
}

/** One comparison with Discord, and the writes that follow from it. */
class Run {
  /** Names, for the log. */
  public readonly done = { added: [] as string[], changed: [] as string[], removed: [] as string[] };
  public failed = false;
  #recorded = new Map<string, RecordedCommand>();

  public constructor(
    private readonly api: CommandsApi,
    private readonly applicationId: string,
    private readonly record: CommandRecord,
    private readonly logger: Logger,
  ) {}

  public async register(definitions: ReadonlyMap<string, CommandDefinition>): Promise<void> {
    const installs = await this.api.getIntegrationTypes();
    const registered = await this.#registered();
    const recorded = this.record.load(this.applicationId);
    this.#recorded = new Map(recorded);
    const mine = [...definitions.values()].map((definition) => ({
      definition,
      wanted: commandFields(definition, installs),
      found: registered?.find(({ name, type }) => name === definition.name && type === CHAT_INPUT),
    }));
    if (recorded === undefined) this.#logForeign(registered ?? [], definitions);
    if (registered?.length === 0 && mine.length > 1 && (await this.#addAll(mine, installs))) return;

    // Changes go first: one may restrict who can use a command. A removal makes room for what is added.
    for (const { definition, wanted, found } of mine) {
      if (found !== undefined) await this.#update(definition, wanted, found, installs);
    }
    for (const [name, { id }] of recorded ?? []) {
      if (definitions.has(name)) continue;
      const isThere = registered === undefined || registered.some((command) => command.id === id);
      await this.#remove(name, id, isThere);
    }
    for (const { definition, wanted, found } of mine) {
      if (found !== undefined) continue;
      await this.#attempt(definition.name, async () => {
        const kept = await this.api.createCommand(this.applicationId, definition);
        const last = this.#recorded.get(kept.name);
        if (last?.id !== kept.id) this.done.added.push(kept.name);
        else if (last.wanted !== digest(wanted)) this.done.changed.push(kept.name);
        this.#note(kept, wanted, commandFields(kept, installs));
      });
    }
  }

  /** @returns whether they were added; where Discord refuses one of them, or the API knows no lists, each goes by itself. */
  async #addAll(
    mine: readonly { readonly definition: CommandDefinition; readonly wanted: CommandFields }[],
    installs: readonly number[],
  ): Promise<boolean> {
    const definitions = mine.map(({ definition }) => definition);
    let kept: readonly RegisteredCommand[];
    try {
      kept = await this.api.overwriteCommands(this.applicationId, definitions);
    } catch (error) {
      if (hasStatus(error, 400) || hasStatus(error, 404) || hasStatus(error, 405)) return false;
      throw error;
    }
    // What it may still hold is gone from Discord.
    this.#recorded.clear();
    for (const { definition, wanted } of mine) {
      const command = kept.find(({ name, type }) => name === definition.name && type === CHAT_INPUT);
      if (command === undefined) continue;
      this.#note(command, wanted, commandFields(command, installs));
      this.done.added.push(command.name);
    }
    return true;
  }

  async #update(
    definition: CommandDefinition,
    wanted: CommandFields,
    found: RegisteredCommand,
    installs: readonly number[],
  ): Promise<void> {
    const foundFields = commandFields(found, installs);
    const changed = changedFields(wanted, foundFields);
    const last = this.#recorded.get(found.name);
    // Discord may keep another form of what it is sent. While it still has that form, sending it again would change nothing.
    const isKept = last?.id === found.id && last.wanted === digest(wanted) && last.kept === digest(foundFields);
    if (isKept) return;
    if (changed.length === 0) {
      this.#note(found, wanted, foundFields);
      return;
    }
    await this.#attempt(found.name, async () => {
      const patch = patchOf(definition, wanted, changed);
      const kept = await (patch === undefined
        ? this.api.createCommand(this.applicationId, definition)
        : this.api.editCommand(this.applicationId, found.id, patch));
      this.#note(kept, wanted, commandFields(kept, installs));
      this.done.changed.push(`${found.name} (${changed.join(', ')})`);
    });
  }

  async #remove(name: string, id: string, isThere: boolean): Promise<void> {
    await this.#attempt(name, async () => {
      if (isThere) {
        await this.api.deleteCommand(this.applicationId, id).catch((error: unknown) => {
          // Somebody else has removed it.
          if (!hasStatus(error, 404)) throw error;
        });
        this.done.removed.push(name);
      }
      this.#recorded.delete(name);
      this.record.save(this.applicationId, this.#recorded);
    });
  }

  #logForeign(registered: readonly RegisteredCommand[], definitions: ReadonlyMap<string, CommandDefinition>): void {
    const foreign = registered.filter(({ name, type }) => type !== CHAT_INPUT || !definitions.has(name));
    if (foreign.length === 0) return;
    const names = foreign.map(({ name }) => name).join(', ');
    this.logger.info(`Discord has commands that this bot does not define, and they are left as they are: ${names}`);
  }

  /** A 400 is about this one command. Any other failure is about all of them, and is thrown. */
  async #attempt(name: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!hasStatus(error, 400)) throw error;
      this.failed = true;
      this.logger.warn({ err: error }, `Discord refuses the slash command ${name}; it stays as it was`);
    }
  }

  /** Writes the record at once: a command that is in Discord and not in the record would never be removed. */
  #note({ id, name }: RegisteredCommand, wanted: CommandFields, kept: CommandFields): void {
    this.#recorded.set(name, { id, wanted: digest(wanted), kept: digest(kept) });
    this.record.save(this.applicationId, this.#recorded);
  }

  /** @returns undefined where the API does not know the route: a proxy may pass only what bots usually do. */
  async #registered(): Promise<readonly RegisteredCommand[] | undefined> {
    try {
      return await this.api.getCommands(this.applicationId);
    } catch (error) {
      if (hasStatus(error, 404) || hasStatus(error, 405)) return undefined;
      throw error;
    }
  }
}

function hasStatus(error: unknown, status: number): boolean {
  return error instanceof DiscordRequestError && error.status === status;
}

function digest(fields: CommandFields): string {
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
