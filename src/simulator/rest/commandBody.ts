import { isJson, type Json } from '../payloads.js';
import type { CommandPayload } from './Commands.js';
import { DiscordApiError, FormCheck } from './DiscordApiError.js';

type Path = (string | number)[];

/** discord.com/developers/docs/interactions/application-commands#application-command-object-application-command-naming */
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;
const CHAT_INPUT = 1;
const SUBCOMMAND = 1;
const SUBCOMMAND_GROUP = 2;
const CHOICE_TYPES = new Set([3, 4, 10]);
const OPTION_TYPES = 11;
const MAX_OPTIONS = 25;
const MAX_COMMANDS = 130;
const MAX_CHARACTERS = 8000;

/** A list of commands as PUT takes it, checked. Errors carry the command's index. */
export function parseCommands(body: unknown): Json[] {
  const check = new FormCheck();
  if (!Array.isArray(body)) {
    check.fail([], 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
    check.throwIfFailed();
    return [];
  }
  if (body.length > MAX_COMMANDS) check.fail([], 'BASE_TYPE_MAX_LENGTH', `Must be ${MAX_COMMANDS} or fewer in length.`);
  const seen = new Set<string>();
  for (const [index, command] of body.entries()) {
    checkCommand(check, command, [index]);
    const key = isJson(command) ? `${command.type ?? CHAT_INPUT} ${command.name}` : '';
    if (seen.has(key)) {
      check.fail([index, 'name'], 'APPLICATION_COMMANDS_DUPLICATE_NAME', 'Application command names must be unique');
    }
    seen.add(key);
  }
  check.throwIfFailed();
  return body;
}

export function parseCommand(body: unknown): Json {
  const check = new FormCheck();
  checkCommand(check, body, []);
  check.throwIfFailed();
  return body as Json;
}

/** A PATCH body: what is not given stays, and the whole must be a valid command. */
export function parseCommandPatch(body: unknown, old: CommandPayload): Json {
  if (!isJson(body)) throw new DiscordApiError(400, 50109, 'The request body contains invalid JSON.');
  const check = new FormCheck();
  checkCommand(check, { ...old, ...body }, []);
  check.throwIfFailed();
  return body;
}

function checkCommand(check: FormCheck, command: unknown, path: Path): void {
  if (!isJson(command)) {
    check.fail(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
    return;
  }
  const type = command.type ?? CHAT_INPUT;
  if (type !== 1 && type !== 2 && type !== 3 && type !== 4) {
    check.fail([...path, 'type'], 'BASE_TYPE_CHOICES', 'Value must be one of {1, 2, 3, 4}.');
  }
  const isChatInput = type === CHAT_INPUT;
  checkName(check, command.name, [...path, 'name'], isChatInput);
  if (isChatInput) {
    check.string(command.description, [...path, 'description'], 1, 100);
    checkOptions(check, command.options, path, 0);
    const characters = countCharacters(command);
    if (characters > MAX_CHARACTERS) {
      const message = `Command exceeds maximum size (${MAX_CHARACTERS})`;
      check.fail(path, 'APPLICATION_COMMAND_TOO_LARGE', message);
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

/** Slash commands and options: one word, lower case where the script has cases. Others: 1 to 32 characters. */
function checkName(check: FormCheck, name: unknown, path: Path, strict: boolean): void {
  if (!check.string(name, path, 1, 32) || !strict) return;
  if (NAME.test(name) && name === name.toLowerCase()) return;
  check.fail(path, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
}

function checkOptions(check: FormCheck, options: unknown, parent: Path, depth: number): void {
  if (options === undefined || options === null) return;
  const path = [...parent, 'options'];
  if (!Array.isArray(options)) {
    check.fail(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
    return;
  }
  if (options.length > MAX_OPTIONS) {
    check.fail(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${MAX_OPTIONS} or fewer in length.`);
  }
  const names = new Set<unknown>();
  let sawOptional = false;
  for (const [index, option] of options.entries()) {
    const at = [...path, index];
    if (!isJson(option)) {
      check.fail(at, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
      continue;
    }
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
  checkName(check, option.name, [...path, 'name'], true);
  check.string(option.description, [...path, 'description'], 1, 100);
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
  if (!Array.isArray(choices)) {
    check.fail(at, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
    return;
  }
  if (choices.length > 25) check.fail(at, 'BASE_TYPE_MAX_LENGTH', 'Must be 25 or fewer in length.');
  if (choices.length > 0 && (!CHOICE_TYPES.has(type) || option.autocomplete === true)) {
    check.fail(at, 'APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID', 'Choices are not allowed for this option');
  }
  for (const [index, choice] of choices.entries()) {
    const entry = isJson(choice) ? choice : {};
    check.string(entry.name, [...at, index, 'name'], 1, 100);
    if (type === 3) check.string(entry.value, [...at, index, 'value'], 1, 100);
    else if (typeof entry.value !== 'number') {
      check.fail([...at, index, 'value'], 'NUMBER_TYPE_COERCE', `Value "${String(entry.value)}" is not a number.`);
    }
  }
}

/** Name, description and values of a command, its options and choices, all together. */
function countCharacters(node: Json): number {
  const length = (value: unknown) => (typeof value === 'string' ? value.length : 0);
  let sum = length(node.name) + length(node.description) + length(node.value);
  for (const key of ['options', 'choices']) {
    const children = node[key];
    if (Array.isArray(children)) for (const child of children) if (isJson(child)) sum += countCharacters(child);
  }
  return sum;
}
