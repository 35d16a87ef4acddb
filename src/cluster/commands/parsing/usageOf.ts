import type { CommandOptionDefinition } from '../../../core/contracts/ClusterContract.js';
import type { Command } from '../Command.js';

/** @returns the command with its arguments: `<required>`, `[optional]`. */
export function usageOf({ definition, usage }: Pick<Command, 'definition' | 'usage'>): string {
  const args = usage ?? (definition.options ?? []).map(describe).join(' ');
  return `${definition.name} ${args}`.trim();
}

function describe({ name, required, choices }: CommandOptionDefinition): string {
  const label = choices === undefined ? name : choices.map(({ value }) => value).join('|');
  return required === true ? `<${label}>` : `[${label}]`;
}
