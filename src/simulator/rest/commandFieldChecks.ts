import { isJson, type Json } from '../world/payloads.js';
import type { FormCheck, Path } from './DiscordApiError.js';

const STRING = 3;
const INTEGER = 4;
const CHANNEL = 7;
const NUMBER = 10;
const AUTOCOMPLETE_TYPES = new Set([STRING, INTEGER, NUMBER]);
const CONTEXTS = [0, 1, 2];
const MAX_LENGTH = 6000;
/** discord.com/developers/docs/reference#locales */
const LOCALES: ReadonlySet<string> = new Set(
  (
    'id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th ' +
    'zh-CN ja zh-TW ko'
  ).split(' '),
);

/** Checks a command's fields other than name, description and options. `installs`: integration types of the application. */
export function checkCommandFields(check: FormCheck, command: Json, path: Path, installs: readonly number[]): void {
  const permissions = command.default_member_permissions;
  const isBitSet = typeof permissions === 'string' && /^\d+$/.test(permissions);
  if (permissions !== undefined && permissions !== null && !isBitSet && !Number.isSafeInteger(permissions)) {
    const message = `Value "${String(permissions)}" is not an int.`;
    check.fail([...path, 'default_member_permissions'], 'NUMBER_TYPE_COERCE', message);
  }
  for (const field of ['nsfw', 'default_permission']) checkBoolean(check, command, field, path);
  if (command.dm_permission !== null) checkBoolean(check, command, 'dm_permission', path);
  // Discord returns null for these, but takes only lists.
  checkList(check, command, 'contexts', path, CONTEXTS);
  checkList(check, command, 'integration_types', path, installs);
}

/** Checks an option's fields other than name, description, choices and options. Each is for certain types of option. */
export function checkOptionFields(check: FormCheck, option: Json, type: number, path: Path): void {
  for (const field of ['required', 'autocomplete']) checkBoolean(check, option, field, path);
  if (option.autocomplete === true && !AUTOCOMPLETE_TYPES.has(type)) refuse(check, option, 'autocomplete', path);
  for (const field of ['min_value', 'max_value']) {
    const value = option[field];
    if (value === undefined) continue;
    if (type !== INTEGER && type !== NUMBER) refuse(check, option, field, path);
    else if (typeof value !== 'number' || (type === INTEGER && !Number.isInteger(value))) {
      check.fail([...path, field], 'NUMBER_TYPE_COERCE', `Value "${String(value)}" is not ${describe(type)}.`);
    }
  }
  for (const [field, least] of [['min_length', 0] as const, ['max_length', 1] as const]) {
    const value = option[field];
    if (value === undefined) continue;
    if (type !== STRING) refuse(check, option, field, path);
    else if (typeof value !== 'number' || !Number.isInteger(value)) {
      check.fail([...path, field], 'NUMBER_TYPE_COERCE', `Value "${String(value)}" is not an int.`);
    } else if (value < least || value > MAX_LENGTH) {
      const message = `int value should be between ${least} and ${MAX_LENGTH} inclusive.`;
      check.fail([...path, field], 'NUMBER_TYPE_RANGE', message);
    }
  }
  if (option.channel_types === undefined) return;
  if (type !== CHANNEL) refuse(check, option, 'channel_types', path);
  else checkList(check, option, 'channel_types', path);
}

/** Checks the translations of a field. `checkText` holds them to the same rules as the field itself. */
export function checkLocalizations(
  check: FormCheck,
  value: unknown,
  path: Path,
  checkText: (text: unknown, path: Path) => void,
): void {
  if (value === undefined || value === null) return;
  if (!isJson(value)) {
    check.fail(path, 'DICT_TYPE_CONVERT', 'Only dictionaries may be used in a DictType');
    return;
  }
  for (const [locale, text] of Object.entries(value)) {
    if (LOCALES.has(locale)) checkText(text, [...path, locale]);
    else check.fail([...path, locale], 'BASE_TYPE_CHOICES', `Value must be one of {${[...LOCALES].join(', ')}}.`);
  }
}

function checkBoolean(check: FormCheck, node: Json, field: string, path: Path): void {
  if (node[field] === undefined || typeof node[field] === 'boolean') return;
  check.fail([...path, field], 'BOOLEAN_TYPE_CONVERT', 'Must be either true or false.');
}

function checkList(check: FormCheck, node: Json, field: string, path: Path, allowed?: readonly number[]): void {
  const value = node[field];
  if (value === undefined) return;
  if (!check.list(value, [...path, field])) return;
  for (const [index, entry] of value.entries()) {
    if (allowed === undefined ? Number.isInteger(entry) : allowed.some((one) => one === entry)) continue;
    const message = allowed === undefined ? 'Value is not an int.' : `Value must be one of {${allowed.join(', ')}}.`;
    check.fail([...path, field, index], 'BASE_TYPE_CHOICES', message);
  }
}

function refuse(check: FormCheck, option: Json, field: string, path: Path): void {
  const code = 'APPLICATION_COMMAND_OPTIONS_FIELD_INVALID';
  check.fail([...path, field], code, `${field} is not allowed for options of type ${String(option.type)}`);
}

function describe(type: number): string {
  return type === INTEGER ? 'an int' : 'a number';
}
