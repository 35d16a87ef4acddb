import { isJson, type Json } from '../world/payloads.js';

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

/** The fields that stay of a checked body. Fields such as `contexts` mean nothing for a command of a guild. */
export function keptFields(body: Json, isGlobal: boolean): Json {
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
