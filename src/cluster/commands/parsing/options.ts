import type { CommandDefinition, CommandOptionDefinition } from '../../../core/contracts/ClusterContract.js';
import type { Command, OptionValue } from '../Command.js';

const INTEGER = 4;
const BOOLEAN = 5;

export type Options = Record<string, OptionValue>;

/** What a user gave as arguments, checked against the definition; or one sentence that says what is wrong with them. */
export type OptionsResult =
  | { readonly ok: true; readonly options: Options }
  | { readonly ok: false; readonly problem: string };

export type CheckedOption =
  | { readonly ok: true; readonly value: OptionValue }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the options of a slash command. Discord has checked them already, but against the definition that it was given last,
 * which may not be the one of this process.
 */
export function readOptions(
  definition: CommandDefinition,
  given: readonly { readonly name: string; readonly value?: unknown }[],
): OptionsResult {
  const options: Options = {};
  for (const option of definition.options ?? []) {
    const value = given.find(({ name }) => name === option.name)?.value;
    if (value === undefined || value === null) {
      if (option.required === true) return missing(option);
      continue;
    }
    const checked = checkOption(option, value);
    if (!checked.ok) return checked;
    options[option.name] = checked.value;
  }
  return { ok: true, options };
}

/** Converts what the user gave, a word or a value from Discord, to the type of the option. */
export function checkOption(definition: CommandOptionDefinition, given: unknown): CheckedOption {
  const value = definition.choices === undefined ? convert(definition, given) : choose(definition.choices, given);
  if (value !== undefined) return { ok: true, value };
  const shown = String(given).slice(0, 50).replaceAll('`', "'");
  return { ok: false, problem: `\`${definition.name}\` must be ${describeType(definition)}, not \`${shown}\`.` };
}

export function missing({ name }: CommandOptionDefinition): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: `\`${name}\` is missing.` };
}

/** @returns the command with its arguments: `<required>`, `[optional]`. */
export function usageOf({ definition, usage }: Pick<Command, 'definition' | 'usage'>): string {
  const args = usage ?? (definition.options ?? []).map(describeOption).join(' ');
  return `${definition.name} ${args}`.trim();
}

function describeOption({ name, required, choices }: CommandOptionDefinition): string {
  const label = choices === undefined ? name : choices.map(({ value }) => value).join('|');
  return required === true ? `<${label}>` : `[${label}]`;
}

function convert(definition: CommandOptionDefinition, given: unknown): OptionValue | undefined {
  const { type, min_value: min = -Infinity, max_value: max = Infinity } = definition;
  const text = String(given);
  if (type === INTEGER) {
    const number = Number(text);
    return /^-?\d+$/.test(text) && Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
  }
  if (type === BOOLEAN) return { true: true, yes: true, false: false, no: false }[text.toLowerCase()];
  const { min_length: shortest = 0, max_length: longest = Infinity } = definition;
  return text.length >= shortest && text.length <= longest ? text : undefined;
}

function choose(choices: NonNullable<CommandOptionDefinition['choices']>, given: unknown): OptionValue | undefined {
  const text = String(given).toLowerCase();
  return choices.find(({ name, value }) => text === value.toLowerCase() || text === name.toLowerCase())?.value;
}

function describeType({ type, choices, ...bounds }: CommandOptionDefinition): string {
  if (choices !== undefined) return `one of ${choices.map(({ value }) => `\`${value}\``).join(', ')}`;
  if (type === INTEGER) return `a whole number${describeBounds(bounds.min_value, bounds.max_value)}`;
  if (type === BOOLEAN) return '`true` or `false`';
  const lengths = describeBounds(bounds.min_length, bounds.max_length);
  return lengths === '' ? 'text' : `text with a length${lengths}`;
}

function describeBounds(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return max === undefined ? '' : ` of at most ${max}`;
  return max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
}
