import type { CommandInteraction } from '@projectdysnomia/dysnomia';
import { type DysnomiaClient, dysnomia } from '../../../../src/cluster/clients/dysnomia/index.js';
import { describeAdapter, type HeardEvent } from '../adapter.conformance.js';

const ids = (keys: Iterable<string | number>): string[] => [...keys].map(String).sort();

describeAdapter<DysnomiaClient>({
  name: 'dysnomia',
  create: (intents) => dysnomia({ gateway: { intents } }),
  listen: (client, hear) => {
    const on = <Name extends string>(name: Name, event: (...args: never[]) => HeardEvent): void => {
      client.on(name as 'ready', (...args: unknown[]) => hear(event(...(args as never[]))));
    };
    on('messageCreate', ({ content }: { content: string }) => ({ kind: 'message', content }));
    on('channelCreate', ({ id }: { id: string }) => ({ kind: 'channelCreated', id }));
    on('guildCreate', ({ id }: { id: string }) => ({ kind: 'guildJoined', id }));
    on('guildDelete', ({ id }: { id: string }) => ({ kind: 'guildLeft', id }));
    on('guildMemberAdd', (_guild: unknown, { id }: { id: string }) => ({ kind: 'memberJoined', id }));
    on('ready', () => ({ kind: 'ready' }));
  },
  guilds: (client) =>
    [...client.guilds.values()].map(({ id, name, channels, roles, members }) => ({
      ...{ id, name },
      ...{ channels: ids(channels.keys()), roles: ids(roles.keys()), members: ids(members.keys()) },
    })),
  isReady: (client) => client.ready && client.startTime > 0,
  botId: (client) => client.user?.id,
  setStatus: (client, status) => client.editStatus(status),
  status: (client) => client.shards.get(0)?.presence.status,
  leaveVoice: (client, guildId) => client.closeVoiceConnection(guildId),
  fetchMembers: async (client, guildId) => {
    const members = (await client.guilds.get(guildId)?.fetchMembers()) ?? [];
    return members.map(({ id }) => id);
  },
  answerCommands: (client, content) => {
    client.on('interactionCreate', (interaction) => (interaction as CommandInteraction).createMessage(content));
  },
  connect: (client) => client.connect(),
  disconnect: (client) => client.disconnect({ reconnect: false }),
});
