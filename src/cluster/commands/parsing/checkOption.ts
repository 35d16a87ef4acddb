import type { CommandOptionDefinition } from '../../../core/contracts/ClusterContract.js';
import type { OptionValue } from '../Command.js';

const INTEGER = 4;
const BOOLEAN = 5;

export type Checked =
  | { readonly ok: true; readonly value: OptionValue }
  | { readonly ok: false; readonly problem: string };

/** Makes of what the user gave, a word or a value from Discord, a value of the option's type. */
export function checkOption(definition: CommandOptionDefinition, given: unknown): Checked {
  const value = definition.choices === undefined ? convert(definition, given) : choose(definition.choices, given);
  if (value !== undefined) return { ok: true, value };
  const shown = String(given).slice(0, 50).replaceAll('`', "'");
  return { ok: false, problem: `\`${definition.name}\` must be ${describeType(definition)}, not \`${shown}\`.` };
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
