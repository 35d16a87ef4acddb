import { plural } from '../../core/text/measures.js';
import { defineCommand } from './Command.js';
import { escapeMarkdown } from './text/messageText.js';

/** Finds a guild on whichever cluster has it. */
export const guild = defineCommand({
  definition: {
    name: 'guild',
    description: 'Finds a guild by id, whichever cluster has it.',
    // A string, because a snowflake is larger than an integer option of Discord may be.
    options: [{ type: 3, name: 'id', description: 'The id of the guild.', required: true }],
  },
  async run(invocation, context) {
    const guildId = invocation.options.id;
    if (!/^\d{15,20}$/.test(guildId)) return invocation.reply('A guild id is a number of 15 to 20 digits.');
    const found = await context.master.request('findGuild', { guildId });
    if (found === null) return invocation.reply(`No cluster of this bot has guild ${guildId}.`);
    const { name, id, memberCount, channelCount, ownerId, shardId, clusterId } = found;
    return invocation.reply(
      `**${escapeMarkdown(name)}** (${id}) · ${plural(memberCount, 'member')} · ${plural(channelCount, 'channel')}` +
        ` · owner ${ownerId} · shard ${shardId} · cluster ${clusterId}`,
    );
  },
});
