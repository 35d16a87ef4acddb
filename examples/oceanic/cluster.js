// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { ClusterWorker } from 'kallisti/cluster';
import { oceanic } from 'kallisti/oceanic';
import { ApplicationCommandOptionTypes, ApplicationCommandTypes, ButtonStyles, ComponentTypes } from 'oceanic.js';

const KINDS = ['golden', 'green', 'red'];

/** @type {import('oceanic.js').ApplicationCommandOptionsString} */
const kind = {
  name: 'kind',
  description: 'Which one?',
  type: ApplicationCommandOptionTypes.STRING,
  autocomplete: true,
};
/** @type {import('oceanic.js').CreateChatInputApplicationCommandOptions} */
const command = {
  ...{ name: 'apple', description: 'Offers an apple.', options: [kind] },
  type: ApplicationCommandTypes.CHAT_INPUT,
};

/** @type {import('oceanic.js').MessageActionRow} */
const row = {
  type: ComponentTypes.ACTION_ROW,
  components: [{ type: ComponentTypes.BUTTON, style: ButtonStyles.PRIMARY, label: 'Take it', customID: 'apple' }],
};

const worker = new ClusterWorker({
  // Every option of oceanic.js, but for those that say which shards there are and what connects.
  client: oceanic({ gateway: { intents: ['GUILDS', 'GUILD_MESSAGES', 'MESSAGE_CONTENT'] } }),
  // Called once, before the shards log in; there is no `client.connect()`. `client` is a Client of oceanic.js.
  setUp(client, { clusterId }) {
    client.once('ready', async () => {
      // One of the processes is enough to tell Discord.
      if (clusterId === 0) await client.application.createGlobalCommand(command);
    });

    client.on('interactionCreate', async (interaction) => {
      if (interaction.isAutocompleteInteraction() && interaction.data.name === 'apple') {
        const typed = String(interaction.data.options.getFocused()?.value ?? '');
        const found = KINDS.filter((name) => name.startsWith(typed));
        await interaction.result(found.map((name) => ({ name, value: name })));
      } else if (interaction.isCommandInteraction() && interaction.data.name === 'apple') {
        const name = interaction.data.options.getString('kind') ?? 'golden';
        await interaction.createMessage({ content: `A ${name} apple, to the fairest.`, components: [row] });
      } else if (interaction.isComponentInteraction() && interaction.data.customID === 'apple') {
        await interaction.editParent({ content: `${interaction.user.username} has it.`, components: [] });
      }
    });

    client.on('messageCreate', async (message) => {
      if (message.author.bot || !message.content.startsWith('!think')) return;
      await sleep(400);
      await client.rest.channels.createMessage(message.channelID, {
        content: `thought about ${message.content.slice('!think'.length).trim()}`,
        messageReference: { messageID: message.id },
      });
    });
  },
});

process.on('SIGTERM', () => {
  worker.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});

worker.start().catch(async (error) => {
  await worker.fail(error); // tells the master why
  process.exit(1);
});
