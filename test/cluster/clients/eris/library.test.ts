import { Client, type CommandInteraction } from 'eris';
import { ERIS } from '../../../../src/cluster/clients/eris/createClient.js';
import { type ErisClient, eris } from '../../../../src/cluster/clients/eris/index.js';
import { describeErisLike } from '../erisLike.library.js';

describeErisLike<ErisClient>({
  library: ERIS,
  plain: () => new Client('Bot token', { intents: 0 }),
  create: (intents) => eris({ intents }),
  answerInteractions: (client) => {
    client.on('interactionCreate', (interaction) => {
      const { member, user } = interaction as CommandInteraction;
      return (interaction as CommandInteraction).createMessage(`for ${(member ?? user)?.id}`);
    });
  },
});
