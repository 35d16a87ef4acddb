import type { Command } from './Command.js';
import { usageOf } from './parsing/usageOf.js';

/** What a mention without a command gets, or with one that is none (`unknown`): a short list of those that this user may use. */
export function createHelp(commands: Iterable<Command>, unknown: string): Command {
  return {
    definition: { name: 'help', description: 'Lists the commands.' },
    async run(invocation, { ownerIds }) {
      const usable = [...commands].filter(({ ownerOnly }) => ownerOnly !== true || ownerIds.has(invocation.userId));
      const list = usable.map((command) => `\`${usageOf(command)}\``).join(', ');
      const shown = unknown.slice(0, 50).replaceAll('`', "'");
      await invocation.reply(`${shown === '' ? '' : `I do not know \`${shown}\`. `}Commands: ${list}`);
    },
  };
}

/** What a slash command gets that Discord still offers although this process no longer has it. */
export function createGone(name: string): Command {
  return {
    definition: { name, description: 'No longer there.' },
    run: (invocation) => invocation.replyPrivately('This command is no longer there.'),
  };
}
