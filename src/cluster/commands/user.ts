import { defineCommand } from './Command.js';
import { escapeMarkdown } from './text/messageText.js';

/** Finds a user on whichever cluster has seen them. */
export const user = defineCommand({
  definition: {
    name: 'user',
    description: 'Finds a user by id, whichever cluster has seen them.',
    options: [{ type: 3, name: 'id', description: 'The id of the user, or a mention.', required: true }],
  },
  async run(invocation, context) {
    const userId = /^(?:<@!?(\d{15,20})>|(\d{15,20}))$/.exec(invocation.options.id)?.slice(1).find(Boolean);
    if (userId === undefined)
      return invocation.reply('Give a mention or a user id, which is a number of 15 to 20 digits.');
    const found = await context.master.request('findUser', { userId });
    if (found === null) return invocation.reply(`No cluster of this bot has seen user ${userId}.`);
    const { username, id, bot, clusterId } = found;
    return invocation.reply(`**${escapeMarkdown(username)}** (${id})${bot ? ' · bot' : ''} · cluster ${clusterId}`);
  },
});
