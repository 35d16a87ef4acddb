import type { CommandInteraction } from 'oceanic.js';
import { type OceanicClient, oceanic } from '../../../../src/cluster/clients/oceanic/index.js';
import { describeAdapter, type HeardEvent } from '../adapter.conformance.js';

const ids = (keys: Iterable<string>): string[] => [...keys].sort();

describeAdapter<OceanicClient>({
  name: 'oceanic.js',
  create: (intents) => oceanic({ gateway: { intents } }),
  listen: (client, hear) => {
    const on = <Name extends string>(name: Name, event: (...args: never[]) => HeardEvent): void => {
      client.on(name as 'ready', (...args: unknown[]) => hear(event(...(args as never[]))) as undefined);
    };
    on('messageCreate', ({ content }: { content: string }) => ({ kind: 'message', content }));
    on('channelCreate', ({ id }: { id: string }) => ({ kind: 'channelCreated', id }));
    on('guildCreate', ({ id }: { id: string }) => ({ kind: 'guildJoined', id }));
    on('guildDelete', ({ id }: { id: string }) => ({ kind: 'guildLeft', id }));
    on('guildMemberAdd', ({ id }: { id: string }) => ({ kind: 'memberJoined', id }));
    on('ready', () => ({ kind: 'ready' }));
  },
  guilds: (client) =>
    [...client.guilds.values()].map(({ id, name, channels, roles, members }) => ({
      ...{ id, name },
      ...{ channels: ids(channels.keys()), roles: ids(roles.keys()), members: ids(members.keys()) },
    })),
  isReady: (client) => client.ready,
  botId: (client) => client.user.id,
  // Without activities, oceanic.js ends those that there are.
  setStatus: (client, status) => {
    for (const shard of client.shards.values()) void shard.editStatus(status, shard.presence.activities);
  },
  status: (client) => client.shards.get(0)?.presence.status,
  leaveVoice: (client, guildId) => client.shards.get(0)?.updateVoiceState(guildId, null),
  fetchMembers: async (client, guildId) => {
    const members = (await client.guilds.get(guildId)?.fetchMembers()) ?? [];
    return members.map(({ id }) => id);
  },
  answerCommands: (client, content) => {
    client.on('interactionCreate', (interaction) => {
      return (interaction as CommandInteraction).createMessage({ content }) as unknown as undefined;
    });
  },
  connect: (client) => client.connect(),
  disconnect: (client) => client.disconnect(false),
});
