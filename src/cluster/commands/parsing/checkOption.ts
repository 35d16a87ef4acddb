import type { CommandOptionDefinition } from '../../../core/contracts/ClusterContract.js';
import type { OptionValue } from '../Command.js';

const INTEGER = 4;
const BOOLEAN = 5;

export type Checked =
  | { readonly ok: true; readonly value: OptionValue }
  | { readonly ok: false; readonly problem: string };

/** Makes of what the user gave, a word or a value from Discord, a value of the option's type. */
export function checkOption(definition: CommandOptionDefinition, given: unknown): Checked {
  const value = definition.choices === undefined ? convert(definition.type, given) : choose(definition.choices, given);
  if (value !== undefined) return { ok: true, value };
  const shown = String(given).slice(0, 50).replaceAll('`', "'");
  return { ok: false, problem: `\`${definition.name}\` must be ${describeType(definition)}, not \`${shown}\`.` };
}

function convert(type: CommandOptionDefinition['type'], given: unknown): OptionValue | undefined {
  const text = String(given);
  if (type === INTEGER) {
    const number = Number(text);
    return /^-?\d+$/.test(text) && Number.isSafeInteger(number) ? number : undefined;
  }
  if (type === BOOLEAN) return { true: true, yes: true, false: false, no: false }[text.toLowerCase()];
  return text;
}

function choose(choices: NonNullable<CommandOptionDefinition['choices']>, given: unknown): OptionValue | undefined {
  const text = String(given).toLowerCase();
  return choices.find(({ name, value }) => text === value.toLowerCase() || text === name.toLowerCase())?.value;
}

function describeType({ type, choices }: CommandOptionDefinition): string {
  if (choices !== undefined) return `one of ${choices.map(({ value }) => `\`${value}\``).join(', ')}`;
  if (type === INTEGER) return 'a whole number';
  return type === BOOLEAN ? '`true` or `false`' : 'text';
}
