import { type CommandPayload, isJson, type Json } from '../world/payloads.js';
import { checkCommandFields, checkLocalizations, checkOptionFields } from './commandFieldChecks.js';
import { FormCheck, invalidJson, type Path } from './DiscordApiError.js';

/** discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming */
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const CHAT_INPUT = 1;
const SUBCOMMAND = 1;
const SUBCOMMAND_GROUP = 2;
const CHOICE_TYPES = new Set([3, 4, 10]);
const OPTION_TYPES = 11;
const MAX_OPTIONS = 25;
const MAX_CHOICES = 25;
const MAX_COMMANDS = 130;
const MAX_CHARACTERS = 8000;

/**
 * Checks a list of commands as PUT takes it. Errors carry the command's index.
 * @param installs integration types of the application. A command can have no others.
 */
export function parseCommands(body: unknown, installs: readonly number[]): Json[] {
  const check = new FormCheck();
  if (!check.list(body, [], MAX_COMMANDS)) throw check.toError();
  const seen = new Set<string>();
  for (const [index, command] of body.entries()) {
    checkCommand(check, command, [index], installs);
    const key = isJson(command) ? `${command.type ?? CHAT_INPUT} ${command.name}` : '';
    if (seen.has(key)) {
      check.fail([index, 'name'], 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
    }
    seen.add(key);
  }
  check.throwIfFailed();
  return body as Json[];
}

export function parseCommand(body: unknown, installs: readonly number[]): Json {
  const check = new FormCheck();
  checkCommand(check, body, [], installs);
  check.throwIfFailed();
  return body as Json;
}

/** Checks a PATCH body. Fields that it does not have stay, and the whole must be a valid command. */
export function parseCommandPatch(body: unknown, old: CommandPayload, installs: readonly number[]): Json {
  if (!isJson(body)) throw invalidJson();
  const check = new FormCheck();
  // Discord returns null here, but does not take it.
  const { contexts, ...rest } = old;
  checkCommand(check, { ...rest, ...(contexts === null ? {} : { contexts }), ...body }, [], installs);
  check.throwIfFailed();
  return body;
}

function checkCommand(check: FormCheck, command: unknown, path: Path, installs: readonly number[]): void {
  if (!check.object(command, path)) return;
  const type = command.type ?? CHAT_INPUT;
  if (type !== 1 && type !== 2 && type !== 3 && type !== 4) {
    check.fail([...path, 'type'], 'BASE_TYPE_CHOICES', 'Value must be one of {1, 2, 3, 4}.');
  }
  const isChatInput = type === CHAT_INPUT;
  checkName(check, command, path, isChatInput);
  checkCommandFields(check, command, path, installs);
  if (isChatInput) {
    checkDescription(check, command, path);
    checkOptions(check, command.options, path, 0);
    const characters = countCharacters(command);
    if (characters > MAX_CHARACTERS) {
      check.fail(path, 'APPLICATION_COMMAND_TOO_LARGE', `Command exceeds maximum size (${MAX_CHARACTERS})`);
    }
  } else {
    if (typeof command.description === 'string' && command.description !== '') {
      const message = 'Context menu commands cannot have description';
      check.fail([...path, 'description'], 'APPLICATION_COMMAND_INVALID_DESCRIPTION', message);
    }
    if (Array.isArray(command.options) && command.options.length > 0) {
      check.fail(
        [...path, 'options'],
        'APPLICATION_COMMAND_INVALID_OPTIONS',
        'Context menu commands cannot have options',
      );
    }
  }
}

/** A strict name is one word, in lower case if the script has cases. Any other has 1 to 32 characters. */
function checkName(check: FormCheck, node: Json, path: Path, strict: boolean): void {
  const checkText = (name: unknown, at: Path): void => {
    if (!check.string(name, at, 1, 32) || !strict) return;
    if (NAME.test(name) && name === name.toLowerCase()) return;
    check.fail(at, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  };
  checkText(node.name, [...path, 'name']);
  checkLocalizations(check, node.name_localizations, [...path, 'name_localizations'], checkText);
}

function checkDescription(check: FormCheck, node: Json, path: Path): void {
  const checkText = (text: unknown, at: Path): boolean => check.string(text, at, 1, 100);
  checkText(node.description, [...path, 'description']);
  checkLocalizations(check, node.description_localizations, [...path, 'description_localizations'], checkText);
}

function checkOptions(check: FormCheck, options: unknown, parent: Path, depth: number): void {
  if (options === undefined || options === null) return;
  const path = [...parent, 'options'];
  if (!check.list(options, path, MAX_OPTIONS)) return;
  const names = new Set<unknown>();
  let sawOptional = false;
  for (const [index, option] of options.entries()) {
    const at = [...path, index];
    if (!check.object(option, at)) continue;
    checkOption(check, option, at, depth);
    if (names.has(option.name)) {
      check.fail([...at, 'name'], 'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS', 'Option names must be unique');
    }
    names.add(option.name);
    if (option.required === true && sawOptional) {
      const message = 'Required options must be placed before non-required options';
      check.fail(at, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message);
    }
    sawOptional ||= option.required !== true;
  }
}

function checkOption(check: FormCheck, option: Json, path: Path, depth: number): void {
  const type = option.type;
  if (typeof type !== 'number' || !Number.isInteger(type) || type < 1 || type > OPTION_TYPES) {
    check.fail([...path, 'type'], 'BASE_TYPE_REQUIRED', 'This field is required');
    return;
  }
  checkName(check, option, path, true);
  checkDescription(check, option, path);
  checkOptionFields(check, option, type, path);
  const isGroup = type === SUBCOMMAND_GROUP;
  if ((isGroup && depth > 0) || (type === SUBCOMMAND && depth > 1)) {
    check.fail(
      [...path, 'type'],
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
      'Sub-command option type is invalid here',
    );
  }
  if (isGroup || type === SUBCOMMAND) checkOptions(check, option.options, path, depth + 1);
  checkChoices(check, option, type, path);
}

function checkChoices(check: FormCheck, option: Json, type: number, path: Path): void {
  const choices = option.choices;
  if (choices === undefined || choices === null) return;
  const at = [...path, 'choices'];
  if (!check.list(choices, at, MAX_CHOICES)) return;
  if (choices.length > 0 && (!CHOICE_TYPES.has(type) || option.autocomplete === true)) {
    check.fail(at, 'APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID', 'Choices are not allowed for this option');
  }
  for (const [index, choice] of choices.entries()) {
    const entry = isJson(choice) ? choice : {};
    const checkText = (text: unknown, where: Path): boolean => check.string(text, where, 1, 100);
    checkText(entry.name, [...at, index, 'name']);
    checkLocalizations(check, entry.name_localizations, [...at, index, 'name_localizations'], checkText);
    if (type === 3) check.string(entry.value, [...at, index, 'value'], 1, 100);
    else if (typeof entry.value !== 'number') {
      check.fail([...at, index, 'value'], 'NUMBER_TYPE_COERCE', `Value "${String(entry.value)}" is not a number.`);
    }
  }
}

/** Counts name, description and values of a command, its options and choices. The longest translation of a text counts. */
function countCharacters(node: Json): number {
  const length = (value: unknown) => (typeof value === 'string' ? value.length : 0);
  const longest = (value: unknown, others: unknown) =>
    Math.max(length(value), ...(isJson(others) ? Object.values(others).map(length) : []));
  let sum = longest(node.name, node.name_localizations) + length(node.value);
  sum += longest(node.description, node.description_localizations);
  for (const key of ['options', 'choices']) {
    const children = node[key];
    if (Array.isArray(children)) for (const child of children) if (isJson(child)) sum += countCharacters(child);
  }
  return sum;
}
