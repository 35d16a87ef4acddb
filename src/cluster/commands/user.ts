import { defineCommand } from './Command.js';
import { escapeMarkdown } from './text/escapeMarkdown.js';

/** Finds a user on whatever cluster has seen it. */
export const user = defineCommand({
  definition: {
    name: 'user',
    description: 'Finds a user by id, on whatever cluster knows it.',
    options: [{ type: 3, name: 'id', description: 'Id of the user, or a mention.', required: true }],
  },
  async run(invocation, context) {
    const userId = /^(?:<@!?(\d{15,20})>|(\d{15,20}))$/.exec(invocation.options.id)?.slice(1).find(Boolean);
    if (userId === undefined) return invocation.reply('An id of a user is a number of 17 to 20 digits.');
    const found = await context.master.request('findUser', { userId });
    if (found === null) return invocation.reply(`User ${userId} is not on any cluster.`);
    const { username, id, bot, clusterId } = found;
    return invocation.reply(`**${escapeMarkdown(username)}** (${id})${bot ? ' · bot' : ''} · cluster ${clusterId}`);
  },
});
