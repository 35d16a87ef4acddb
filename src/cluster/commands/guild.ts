import { plural } from '../../core/text/measures.js';
import { defineCommand } from './Command.js';
import { escapeMarkdown } from './text/escapeMarkdown.js';

/** Finds a guild on whatever cluster has it. */
export const guild = defineCommand({
  definition: {
    name: 'guild',
    description: 'Finds a guild by its id, wherever it is.',
    // A string: a snowflake is larger than Discord's integer options may be.
    options: [{ type: 3, name: 'id', description: 'Id of the guild.', required: true }],
  },
  async run(invocation, context) {
    const guildId = invocation.options.id;
    if (!/^\d{15,20}$/.test(guildId)) return invocation.reply('An id of a guild is a number of 17 to 20 digits.');
    const found = await context.master.request('findGuild', { guildId });
    if (found === null) return invocation.reply(`Guild ${guildId} is not on any cluster.`);
    const { name, id, memberCount, channelCount, ownerId, shardId, clusterId } = found;
    return invocation.reply(
      `**${escapeMarkdown(name)}** (${id}) · ${plural(memberCount, 'member')} · ${plural(channelCount, 'channel')}` +
        ` · owner ${ownerId} · shard ${shardId} · cluster ${clusterId}`,
    );
  },
});
