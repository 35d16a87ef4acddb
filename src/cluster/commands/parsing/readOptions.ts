import type { CommandDefinition } from '../../../core/contracts/ClusterContract.js';
import { checkOption } from './checkOption.js';
import type { Options, OptionsResult } from './OptionsResult.js';

/**
 * Reads the options of a slash command. Discord has checked them, but against the definition that it was given last, which
 * need not be this process's.
 */
export function readOptions(
  definition: CommandDefinition,
  given: readonly { readonly name: string; readonly value?: unknown }[],
): OptionsResult {
  const options: Options = {};
  for (const option of definition.options ?? []) {
    const value = given.find(({ name }) => name === option.name)?.value;
    if (value === undefined || value === null) {
      if (option.required === true) return { ok: false, problem: `\`${option.name}\` is missing.` };
      continue;
    }
    const checked = checkOption(option, value);
    if (!checked.ok) return checked;
    options[option.name] = checked.value;
  }
  return { ok: true, options };
}
