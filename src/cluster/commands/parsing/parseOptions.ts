import type { CommandDefinition, CommandOptionDefinition } from '../../../core/contracts/ClusterContract.js';
import type { Command } from '../Command.js';
import { checkOption, missing, type Options, type OptionsResult } from './options.js';

const STRING = 3;
const ONE_WORD = /\S+/;

/**
 * Reads the arguments of a command from the text of a mention.
 *
 * Any option may be given by name first (`target:all`). The others follow in the order of the definition, one word each. The
 * last required text takes all that is left, without the code fences around it. Options after it can only be given by name.
 */
export function parseOptions(
  { definition, namedOptions = {} }: Pick<Command, 'definition' | 'namedOptions'>,
  text: string,
): OptionsResult {
  const options: Options = {};
  const greedy = findGreedy(definition);
  let rest = text.trim();

  const take = (option: CommandOptionDefinition, value: string): string | undefined => {
    const checked = checkOption(option, value);
    if (!checked.ok) return checked.problem;
    options[option.name] = checked.value;
    return undefined;
  };

  for (let named = readNamed(definition, rest); named !== undefined; named = readNamed(definition, rest)) {
    const { option, after } = named;
    if (option === greedy || option.name in options) break;
    const pattern = new RegExp(`^(?:${(namedOptions[option.name] ?? ONE_WORD).source})`, 'i');
    const value = pattern.exec(after)?.[0];
    if (value === undefined) return { ok: false, problem: `\`${option.name}:\` needs a value.` };
    const problem = take(option, value);
    if (problem !== undefined) return { ok: false, problem };
    rest = after.slice(value.length).trimStart();
  }

  for (const option of definition.options ?? []) {
    if (option.name in options) continue;
    const value = option === greedy ? stripFence(rest) : (ONE_WORD.exec(rest)?.[0] ?? '');
    if (value === '') {
      if (option.required === true) return missing(option);
      continue;
    }
    const problem = take(option, value);
    if (problem !== undefined) return { ok: false, problem };
    rest = option === greedy ? '' : rest.slice(value.length).trimStart();
  }
  if (rest !== '') return { ok: false, problem: 'There are too many arguments.' };
  return { ok: true, options };
}

function findGreedy({ options = [] }: CommandDefinition): CommandOptionDefinition | undefined {
  const last = options.filter(({ required }) => required === true).at(-1);
  return last?.type === STRING && last.choices === undefined ? last : undefined;
}

function readNamed({ options = [] }: CommandDefinition, text: string) {
  const [start, name] = /^(\w+):\s*/.exec(text) ?? [];
  const option = options.find((candidate) => candidate.name === name?.toLowerCase());
  return option === undefined || start === undefined ? undefined : { option, after: text.slice(start.length) };
}

function stripFence(text: string): string {
  const fenced = /^```(?:[\w+-]*\n)?([\s\S]*?)```$/.exec(text);
  return (fenced?.[1] ?? text).trim();
}
