import { Events, type Presence, type PresenceUpdateStatus } from 'discord.js';
import { type DiscordJsClient, discordJs } from '../../../../src/cluster/clients/discordjs/index.js';
import { describeAdapter, type HeardEvent } from '../adapter.conformance.js';

describeAdapter<DiscordJsClient>({
  name: 'discord.js',
  create: (intents) => discordJs({ intents }),
  listen: (client, hear) => {
    const on = <Name extends string>(name: Name, event: (...args: never[]) => HeardEvent): void => {
      client.on(name as 'debug', (...args: unknown[]) => hear(event(...(args as never[]))) as undefined);
    };
    on(Events.MessageCreate, ({ content }: { content: string }) => ({ kind: 'message', content }));
    on(Events.ChannelCreate, ({ id }: { id: string }) => ({ kind: 'channelCreated', id }));
    on(Events.GuildCreate, ({ id }: { id: string }) => ({ kind: 'guildJoined', id }));
    on(Events.GuildDelete, ({ id }: { id: string }) => ({ kind: 'guildLeft', id }));
    on(Events.GuildMemberAdd, ({ id }: { id: string }) => ({ kind: 'memberJoined', id }));
    on(Events.ClientReady, () => ({ kind: 'ready' }));
  },
  guilds: (client) =>
    client.guilds.cache.map(({ id, name, channels, roles, members }) => ({
      ...{ id, name },
      channels: [...channels.cache.filter((channel) => !channel.isThread()).keys()].sort(),
      ...{ roles: [...roles.cache.keys()].sort(), members: [...members.cache.keys()].sort() },
    })),
  isReady: (client) => client.isReady(),
  botId: (client) => client.user?.id,
  setStatus: (client, status) => void client.user?.setStatus(status as PresenceUpdateStatus.Idle),
  // Its typings keep the client's own from a client that is not ready.
  status: (client) => (client as unknown as { readonly presence: Presence }).presence.status,
  leaveVoice: (client, guildId) => {
    const d = { guild_id: guildId, channel_id: null, self_mute: false, self_deaf: false };
    client.ws.shards.get(0)?.send({ op: 4, d });
  },
  fetchMembers: async (client, guildId) => [
    ...((await client.guilds.cache.get(guildId)?.members.fetch())?.keys() ?? []),
  ],
  answerCommands: (client, content) => {
    client.on(Events.InteractionCreate, (interaction) =>
      interaction.isChatInputCommand() ? interaction.reply(content) : undefined,
    );
  },
  connect: (client) => client.login(),
  disconnect: (client) => client.destroy(),
});
