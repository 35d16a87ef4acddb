import type { CommandDefinition } from '../../core/contracts/ClusterContract.js';

/** All fields of a command that a bot can set and Discord keeps, in one form, with Discord's defaults filled in. */
export type CommandFields = Readonly<Record<(typeof FIELDS)[number], unknown>>;

const FIELDS = [
  'name_localizations',
  'description',
  'description_localizations',
  'options',
  'default_member_permissions',
  'default_permission',
  'nsfw',
  'contexts',
  'integration_types',
] as const;

/** A command as Discord sends it or the bot defines it. A field that is left out or null has its default. */
type Json = Readonly<Record<string, unknown>>;

const GUILD_CONTEXT = 0;

/**
 * @returns a command's fields. Two commands mean the same to Discord exactly where these are equal as JSON.
 *
 * Defaults are those of the Application Command Object
 * (discord.com/developers/docs/interactions/application-commands#application-command-object). The default of `contexts` is null,
 * which is not the same as all of them (github.com/discord/discord-api-docs/issues/6744). `contexts` has replaced
 * `dm_permission`, which is read as the context that it means.
 *
 * @param integrationTypes the application's, which are the default of a command's.
 */
export function commandFields(command: object, integrationTypes: readonly number[]): CommandFields {
  const json = command as Json;
  return {
    name_localizations: sorted(json.name_localizations),
    description: json.description ?? '',
    description_localizations: sorted(json.description_localizations),
    options: list(json.options).map(optionFields),
    default_member_permissions: bitSet(json.default_member_permissions),
    default_permission: json.default_permission ?? true,
    nsfw: json.nsfw ?? false,
    contexts: set(json.contexts) ?? (json.dm_permission === false ? [GUILD_CONTEXT] : null),
    integration_types: set(json.integration_types) ?? set(integrationTypes),
  };
}

/** @returns the names of the fields in which the two differ. */
export function changedFields(wanted: CommandFields, found: CommandFields): readonly (keyof CommandFields)[] {
  return FIELDS.filter((field) => JSON.stringify(wanted[field]) !== JSON.stringify(found[field]));
}

/**
 * @returns the body of the PATCH that makes these fields what is wanted. Undefined where no PATCH can: neither PATCH nor POST takes
 * null for `contexts`. It goes back to its default only where a POST that leaves it out overwrites the command.
 */
export function patchOf(
  definition: CommandDefinition,
  wanted: CommandFields,
  changed: readonly (keyof CommandFields)[],
): Json | undefined {
  if (changed.includes('contexts') && wanted.contexts === null) return undefined;
  const given = definition as unknown as Json;
  // A field that is defined is sent as it is. Any other is sent as its default.
  return Object.fromEntries(changed.map((field) => [field, given[field] ?? wanted[field]]));
}

/** (discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-option-structure) */
function optionFields(option: Json): Json {
  return {
    type: option.type,
    name: option.name,
    name_localizations: sorted(option.name_localizations),
    description: option.description,
    description_localizations: sorted(option.description_localizations),
    required: option.required ?? false,
    choices: list(option.choices).map(({ name, name_localizations, value }) => ({
      name,
      name_localizations: sorted(name_localizations),
      value,
    })),
    options: list(option.options).map(optionFields),
    channel_types: set(option.channel_types) ?? [],
    min_value: option.min_value ?? null,
    max_value: option.max_value ?? null,
    min_length: option.min_length ?? null,
    max_length: option.max_length ?? null,
    autocomplete: option.autocomplete ?? false,
  };
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}

/** Its order means nothing. */
function set(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? [...new Set(value)].sort((a, b) => Number(a) - Number(b)) : null;
}

/** A dictionary. Its order means nothing, and an empty one is none. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : entries;
}

/** Decimal, without leading zeros. */
function bitSet(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  const text = String(value);
  return /^\d+$/.test(text) ? BigInt(text).toString() : text;
}
