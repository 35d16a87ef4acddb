import { type CommandPayload, isJson, type Json } from '../world/payloads.js';
import type { World } from '../world/World.js';
import { DiscordApiError, invalidField, unknown } from './DiscordApiError.js';

/** discord.com/developers/docs/interactions/application-commands#registering-a-command */
const MAX_PER_TYPE: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15, 4: 1 };
const MAX_CREATES_PER_DAY = 200;
/**
 * Fields that Discord keeps. It ignores all others.
 * discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-structure
 */
const GLOBAL_FIELDS = ['dm_permission', 'integration_types', 'contexts'];
const COMMAND_FIELDS = [
  ...['name', 'name_localizations', 'description', 'description_localizations', 'options', 'handler', 'nsfw'],
  ...['default_member_permissions', 'default_permission'],
];
const OPTION_FIELDS = [
  ...['type', 'name', 'name_localizations', 'description', 'description_localizations', 'required', 'choices'],
  ...['options', 'channel_types', 'min_value', 'max_value', 'min_length', 'max_length', 'autocomplete'],
];
const CHOICE_FIELDS = ['name', 'name_localizations', 'value'];

/**
 * The application's commands, global and per guild. A command of the same name and type replaces the old one and keeps its
 * id, as at Discord. `commandBody.ts` has checked the bodies.
 */
export class Commands {
  readonly #global = new Map<string, CommandPayload>();
  readonly #ofGuild = new Map<string, Map<string, CommandPayload>>();
  /** How many commands were created in each scope. */
  readonly #created = new Map<string, number>();

  constructor(private readonly world: World) {}

  list(guildId?: string): CommandPayload[] {
    return [...this.#scope(guildId).values()];
  }

  get(id: string, guildId?: string): CommandPayload {
    const command = this.#scope(guildId).get(id);
    if (command === undefined) throw unknown.command();
    return command;
  }

  /** The command that a user of the guild runs by that name. The guild's own one goes first. */
  findByName(name: string, guildId: string): CommandPayload | undefined {
    const isIt = (command: CommandPayload) => command.name === name && command.type === 1;
    return [...(this.#ofGuild.get(guildId)?.values() ?? [])].find(isIt) ?? [...this.#global.values()].find(isIt);
  }

  /** Creates the command, or replaces the one of the same name and type. */
  upsert(body: Json, guildId?: string): { command: CommandPayload; created: boolean } {
    const before = this.list(guildId);
    const type = typeOf(body);
    const isNew = !before.some((command) => command.name === body.name && command.type === type);
    if (isNew && before.filter((command) => command.type === type).length >= maxOf(type)) throw tooMany(type);
    return { command: this.#put(body, before, guildId), created: isNew };
  }

  /** Changes the given fields and no others. */
  patch(id: string, body: Json, guildId?: string): CommandPayload {
    const old = this.get(id, guildId);
    const command = this.#make(id, old.type, { ...old, ...body }, guildId);
    const isTaken = this.list(guildId).some(
      (other) => other.id !== id && other.type === command.type && other.name === command.name,
    );
    if (isTaken) {
      throw invalidField(['name'], 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
    }
    this.#scope(guildId).set(id, command);
    return command;
  }

  delete(id: string, guildId?: string): void {
    if (!this.#scope(guildId).delete(id)) throw unknown.command();
  }

  /** Replaces all commands of the scope. */
  overwrite(bodies: readonly Json[], guildId?: string): CommandPayload[] {
    const before = this.list(guildId);
    for (const type of Object.keys(MAX_PER_TYPE).map(Number)) {
      if (bodies.filter((body) => typeOf(body) === type).length > maxOf(type)) throw tooMany(type);
    }
    this.#scope(guildId).clear();
    for (const body of bodies) this.#put(body, before, guildId);
    return this.list(guildId);
  }

  /** Takes the id of the command of the same name and type from those that were there before, or a new id. */
  #put(body: Json, before: readonly CommandPayload[], guildId: string | undefined): CommandPayload {
    const type = typeOf(body);
    const old = before.find((command) => command.name === body.name && command.type === type);
    if (old === undefined) this.#countCreation(guildId);
    const command = this.#make(old?.id ?? this.world.snowflakes.next(), type, body, guildId);
    this.#scope(guildId).set(command.id, command);
    return command;
  }

  #countCreation(guildId: string | undefined): void {
    const key = guildId ?? 'global';
    const count = (this.#created.get(key) ?? 0) + 1;
    if (count > MAX_CREATES_PER_DAY) {
      throw new DiscordApiError(
        400,
        30034,
        `Max number of daily application command creates has been reached (${MAX_CREATES_PER_DAY})`,
      );
    }
    this.#created.set(key, count);
  }

  #make(id: string, type: number, body: Json, guildId: string | undefined): CommandPayload {
    return {
      name_localizations: null,
      description_localizations: null,
      default_member_permissions: null,
      nsfw: false,
      ...(guildId === undefined
        ? { dm_permission: true, contexts: null, integration_types: this.world.integrationTypes }
        : { guild_id: guildId }),
      ...keptFields(body, guildId === undefined),
      description: body.description ?? '',
      name: String(body.name),
      id,
      application_id: this.world.applicationId,
      version: this.world.snowflakes.next(),
      type,
    };
  }

  #scope(guildId: string | undefined): Map<string, CommandPayload> {
    if (guildId === undefined) return this.#global;
    let scope = this.#ofGuild.get(guildId);
    if (scope === undefined) {
      scope = new Map();
      this.#ofGuild.set(guildId, scope);
    }
    return scope;
  }
}

function typeOf(body: Json): number {
  return Number(body.type ?? 1);
}

function maxOf(type: number): number {
  return MAX_PER_TYPE[type] ?? 1;
}

function tooMany(type: number): DiscordApiError {
  return new DiscordApiError(400, 30032, `Maximum number of application commands reached (${MAX_PER_TYPE[type]}).`);
}

/** The fields that stay of a checked body. Fields such as `contexts` mean nothing for a command of a guild. */
function keptFields(body: Json, isGlobal: boolean): Json {
  const kept = pick(body, isGlobal ? [...COMMAND_FIELDS, ...GLOBAL_FIELDS] : COMMAND_FIELDS);
  const permissions = kept.default_member_permissions;
  if (typeof permissions === 'number') kept.default_member_permissions = String(permissions);
  if (kept.dm_permission === null) kept.dm_permission = true;
  return withEach(kept, 'options', keptOption);
}

/**
 * A command as lists return it: without the translations, but with the text in the requester's language if there is one.
 * discord.com/developers/docs/interactions/application-commands#retrieving-localized-commands
 */
export function localized(node: Json, locale: string): Json {
  const { name_localizations: names, description_localizations: descriptions, ...rest } = node;
  const name = isJson(names) ? names[locale] : undefined;
  const description = isJson(descriptions) ? descriptions[locale] : undefined;
  const shown = {
    ...rest,
    ...(name === undefined ? {} : { name_localized: name }),
    ...(description === undefined ? {} : { description_localized: description }),
  };
  const inLocale = (entry: Json) => localized(entry, locale);
  return withEach(withEach(shown, 'options', inLocale), 'choices', inLocale);
}

function keptOption(option: Json): Json {
  return withEach(withEach(pick(option, OPTION_FIELDS), 'options', keptOption), 'choices', (choice) =>
    pick(choice, CHOICE_FIELDS),
  );
}

function withEach(node: Json, field: string, change: (entry: Json) => Json): Json {
  const entries = node[field];
  return Array.isArray(entries) ? { ...node, [field]: entries.map(change) } : node;
}

function pick(node: Json, fields: readonly string[]): Json {
  return Object.fromEntries(Object.entries(node).filter(([field]) => fields.includes(field)));
}
