import { Client, type CommandInteraction } from '@projectdysnomia/dysnomia';
import { expect, it, onTestFinished, vi } from 'vitest';
import { DYSNOMIA } from '../../../../src/cluster/clients/dysnomia/createClient.js';
import { type DysnomiaClient, dysnomia } from '../../../../src/cluster/clients/dysnomia/index.js';
import { GatewayLog } from '../../../../src/cluster/gateway/index.js';
import { recordingLogger } from '../../gateway/support.js';
import { describeErisLike } from '../erisLike.library.js';

describeErisLike<DysnomiaClient>({
  library: DYSNOMIA,
  plain: () => new Client('Bot token', { gateway: { intents: 0 } }),
  create: (intents) => dysnomia({ gateway: { intents } }),
  answerInteractions: (client) => {
    client.on('interactionCreate', (interaction) =>
      (interaction as CommandInteraction).createMessage(`for ${interaction.user?.id ?? interaction.member?.id}`),
    );
  },
});

function openAlone() {
  const setup = { token: 'token', apiUrl: 'http://127.0.0.1:1', shardIds: [0], shardCount: 1 };
  return dysnomia({ ws: { handshakeTimeout: 5 } })({
    ...setup,
    log: new GatewayLog(recordingLogger().logger, 'token'),
  });
}

it('the connections do not go through the agent for REST, which dysnomia puts among their options', async () => {
  const adapter = await openAlone();
  onTestFinished(() => adapter.stop());
  expect(adapter.client.options.ws).toHaveProperty('agent');
  expect(adapter.connection.socketOptions).toEqual({ handshakeTimeout: 5 });
});

it('a request for soundboard sounds ends with its connection, and its timer does not end the process', async () => {
  const adapter = await openAlone();
  onTestFinished(() => adapter.stop());
  adapter.attach(() => {});
  const shard = adapter.client.shards.get(0);
  const failed = vi.fn();
  process.once('uncaughtException', failed);
  onTestFinished(() => void process.off('uncaughtException', failed));
  const sounds = shard?.requestGuildSoundboardSounds({ guildIDs: ['5'], timeout: 20 });
  adapter.shardState(0, { state: 'disconnected', sessionId: null });
  expect(await sounds).toEqual({ 5: undefined });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(failed).not.toHaveBeenCalled();
});
