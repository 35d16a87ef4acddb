// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AutocompleteInteraction,
  CommandInteraction,
  ComponentInteraction,
  Constants,
} from '@projectdysnomia/dysnomia';
import { ClusterWorker } from 'kallisti/cluster';
import { dysnomia } from 'kallisti/dysnomia';

const { ApplicationCommandOptionTypes, ApplicationCommandTypes, ButtonStyles, ComponentTypes } = Constants;
const KINDS = ['golden', 'green', 'red'];

const kind = {
  name: 'kind',
  description: 'Which one?',
  type: ApplicationCommandOptionTypes.STRING,
  autocomplete: true,
};
const command = {
  ...{ name: 'apple', description: 'Offers an apple.', options: [kind] },
  type: ApplicationCommandTypes.CHAT_INPUT,
};

/** @type {import('@projectdysnomia/dysnomia').ActionRow} */
const row = {
  type: ComponentTypes.ACTION_ROW,
  components: [{ type: ComponentTypes.BUTTON, style: ButtonStyles.PRIMARY, label: 'Take it', custom_id: 'apple' }],
};

/** @param {AutocompleteInteraction | CommandInteraction} interaction */
function kindIn(interaction) {
  const option = interaction.data.options?.find(({ name }) => name === 'kind');
  return option !== undefined && 'value' in option ? String(option.value) : undefined;
}

const worker = new ClusterWorker({
  // Every option of dysnomia, but for those that say which shards there are and what connects.
  client: dysnomia({ gateway: { intents: ['guilds', 'guildMessages', 'messageContent'] } }),
  // Called once, before the shards log in; there is no `client.connect()`. `client` is a Client of dysnomia.
  setUp(client, { clusterId }) {
    client.once('ready', async () => {
      // One of the processes is enough to tell Discord.
      if (clusterId === 0) await client.createCommand(command);
    });

    client.on('interactionCreate', async (interaction) => {
      if (interaction instanceof AutocompleteInteraction && interaction.data.name === 'apple') {
        const typed = kindIn(interaction) ?? '';
        const found = KINDS.filter((name) => name.startsWith(typed));
        await interaction.result(found.map((name) => ({ name, value: name })));
      } else if (interaction instanceof CommandInteraction && interaction.data.name === 'apple') {
        const name = kindIn(interaction) ?? 'golden';
        await interaction.createMessage({ content: `A ${name} apple, to the fairest.`, components: [row] });
      } else if (interaction instanceof ComponentInteraction && interaction.data.custom_id === 'apple') {
        const user = interaction.member?.user ?? interaction.user;
        await interaction.editParent({ content: `${user?.username} has it.`, components: [] });
      }
    });

    client.on('messageCreate', async (message) => {
      if (message.author.bot || !message.content.startsWith('!think')) return;
      await sleep(400);
      await client.createMessage(message.channel.id, {
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
