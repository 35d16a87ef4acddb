// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ActionRowBuilder,
  ApplicationCommandOptionType,
  ButtonBuilder,
  ButtonStyle,
  Events,
  GatewayIntentBits,
} from 'discord.js';
import { ClusterWorker } from 'kallisti/cluster';
import { discordJs } from 'kallisti/discord.js';

const { Guilds, GuildMessages, MessageContent } = GatewayIntentBits;
const KINDS = ['golden', 'green', 'red'];

/** @type {import('discord.js').ApplicationCommandOptionData} */
const kind = { name: 'kind', description: 'Which one?', type: ApplicationCommandOptionType.String, autocomplete: true };
const command = { name: 'apple', description: 'Offers an apple.', options: [kind] };

/** @type {ActionRowBuilder<ButtonBuilder>} */
const row = new ActionRowBuilder({
  components: [new ButtonBuilder().setCustomId('apple').setLabel('Take it').setStyle(ButtonStyle.Primary)],
});

const worker = new ClusterWorker({
  // Every option of discord.js, but for `shards`, `shardCount` and what connects.
  client: discordJs({ intents: [Guilds, GuildMessages, MessageContent] }),
  // Called once, before the shards log in; there is no `client.login()`. `client` is a Client of discord.js.
  setUp(client, { clusterId }) {
    client.once(Events.ClientReady, async ({ application }) => {
      // One of the processes is enough to tell Discord.
      if (clusterId === 0) await application.commands.create(command);
    });

    client.on(Events.InteractionCreate, async (interaction) => {
      if (interaction.isAutocomplete() && interaction.commandName === 'apple') {
        const typed = interaction.options.getFocused();
        const found = KINDS.filter((name) => name.startsWith(typed));
        await interaction.respond(found.map((name) => ({ name, value: name })));
      } else if (interaction.isChatInputCommand() && interaction.commandName === 'apple') {
        const name = interaction.options.getString('kind') ?? 'golden';
        await interaction.reply({ content: `A ${name} apple, to the fairest.`, components: [row] });
      } else if (interaction.isButton() && interaction.customId === 'apple') {
        await interaction.update({ content: `${interaction.user.username} has it.`, components: [] });
      }
    });

    client.on(Events.MessageCreate, async (message) => {
      if (message.author.bot || !message.content.startsWith('!think')) return;
      await sleep(400);
      await message.reply(`thought about ${message.content.slice('!think'.length).trim()}`);
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
