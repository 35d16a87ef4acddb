import { Argument } from 'commander';
import type { CliCommand } from '../CliCommand.js';
import { completionScript, SHELLS, type Shell } from '../completionScript.js';
import { EXIT_CODES } from '../exitCodes.js';

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
