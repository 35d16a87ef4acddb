import { Argument, type Command, type Option } from 'commander';
import type { CliCommand } from '../CliCommand.js';
import { EXIT_CODES } from '../exitCodes.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export const completionCommand: CliCommand = ({ program, action }) => {
  program
    .command('completion')
    .description('Prints what a shell needs to complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  kallisti completion bash >> ~/.bashrc
  kallisti completion zsh >> ~/.zshrc
  kallisti completion fish > ~/.config/fish/completions/kallisti.fish`,
    )
    .action(
      action<object, [Shell]>(async ({ screen }, _flags, shell) => {
        screen.print(completionScript(program, shell));
        return EXIT_CODES.done;
      }),
    );
};

/** What can follow a command's name. */
interface Completable {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  /** The values of those of its arguments that are chosen from a list. */
  readonly choices: readonly string[];
}

/**
 * @returns a script that teaches a shell to complete by itself: nothing of ours runs when somebody presses the tab key. It is made
 * from the commands as they are declared, so it knows all of them.
 */
function completionScript(program: Command, shell: Shell): string {
  const commands = program.commands.map(completableOf);
  if (shell === 'fish') return fishScript(program, commands);
  const script = bashScript(program, commands);
  return shell === 'bash'
    ? script
    : `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}

function completableOf(command: Command): Completable {
  return {
    name: command.name(),
    description: command.description(),
    options: command.createHelp().visibleOptions(command),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
}

function bashScript(program: Command, commands: readonly Completable[]): string {
  const global = program.createHelp().visibleOptions(program);
  const all = [...global, ...commands.flatMap(({ options }) => options)];
  const withValue = [...new Set(all.filter(takesValue).flatMap(flagsOf))];
  const names = [...commands.map(({ name }) => name), 'help'];
  const words = (list: readonly string[]): string => `words='${list.join(' ')}' ;;`;
  return `# kallisti: completion
_kallisti() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command='' skip='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$word" in
      ${withValue.join('|')}) skip=1 ;;
      -*) ;;
      *) command="$word"; break ;;
    esac
  done
  case "$previous" in
    --data-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${withValue.filter((flag) => flag !== '--data-dir').join('|')}) COMPREPLY=(); return ;;
  esac
  case "$command" in
    '') ${words([...names, ...global.flatMap(flagsOf)])}
    help) ${words(names)}
${commands.map(({ name, options, choices }) => `    ${name}) ${words([...choices, ...[...options, ...global].flatMap(flagsOf)])}`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _kallisti kallisti`;
}

function fishScript(program: Command, commands: readonly Completable[]): string {
  const names = [...commands.map(({ name }) => name), 'help'];
  const line = (condition: string, rest: string): string => `complete -c kallisti -n ${quote(condition)} ${rest}`;
  const option = (condition: string, given: Option): string => {
    const { short, long, description } = given;
    const flags = [...(short ? [`-s ${short.slice(1)}`] : []), ...(long ? [`-l ${long.slice(2)}`] : [])];
    const value = !takesValue(given) ? '' : long === '--data-dir' ? ' -r' : ' -x';
    return line(condition, `${flags.join(' ')}${value} -d ${quote(description)}`);
  };
  return [
    '# kallisti: completion',
    'complete -c kallisti -f',
    ...program
      .createHelp()
      .visibleOptions(program)
      .map((given) => option('true', given)),
    ...commands.map(({ name, description }) => line('__fish_use_subcommand', `-a ${name} -d ${quote(description)}`)),
    line('__fish_seen_subcommand_from help', `-a ${quote(names.join(' '))}`),
    ...commands.flatMap(({ name, options, choices }) => {
      const condition = `__fish_seen_subcommand_from ${name}`;
      return [
        ...(choices.length === 0 ? [] : [line(condition, `-a ${quote(choices.join(' '))}`)]),
        ...options.filter(({ long }) => long !== '--help').map((given) => option(condition, given)),
      ];
    }),
  ].join('\n');
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
