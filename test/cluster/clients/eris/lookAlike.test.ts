import { Client, type RawPacket } from 'eris';
import { expect, it, onTestFinished } from 'vitest';
import { restOptions } from '../../../../src/core/discord/rest/restOptions.js';
import type { Simulator } from '../../../../src/simulator/index.js';
import { createGateway, startSimulator, until } from '../../gateway/support.js';

const INTENTS = 513;
const EVENTS = [
  ...['connect', 'hello', 'shardPreReady', 'shardReady', 'shardResume', 'shardDisconnect', 'ready', 'disconnect'],
  ...['error', 'unknown', 'guildCreate', 'guildAvailable', 'unavailableGuildCreate', 'guildUnavailable', 'guildDelete'],
  'messageCreate',
];
const HEARTBEAT_ACK = 11;

/** What a bot sees of its client, in order. */
function watch(client: Client): string[] {
  const seen: string[] = [];
  for (const event of EVENTS) {
    const listener = (...args: unknown[]): void => {
      const { status, ready, preReady } = client.shards.get(0) ?? {};
      const shard = args.find((argument) => typeof argument === 'number') ?? '';
      seen.push(
        `${event} ${shard} (shard ${status} ${ready} ${preReady}, client ${client.ready} ${client.startTime > 0})`,
      );
    };
    client.on(event as 'ready', listener);
  }
  client.on('rawWS', ({ op, t }: RawPacket) => {
    if (op !== HEARTBEAT_ACK) seen.push(`rawWS ${op} ${t ?? ''}`);
  });
  return seen;
}

/** Login, an event, a lost connection, and the rest: as a bot on this client sees it. */
async function story(simulator: Simulator, client: Client, connect: () => Promise<unknown>): Promise<string[]> {
  const seen = watch(client);
  const [guildId = ''] = simulator.guildIds;
  await connect();
  await until(() => expect(seen.join()).toContain('ready  ('));
  simulator.guilds.fail(guildId);
  simulator.guilds.recover(guildId);
  simulator.sendMessage({ guildId, content: 'hello' });
  await until(() => expect(seen.join()).toContain('messageCreate'));
  simulator.faults.dropSocket(0, { code: 4000 });
  await until(() => expect(seen.join()).toContain('shardResume'));
  const shard = client.shards.get(0);
  await until(() => expect(shard?.latency).toBeLessThan(10_000));
  expect(shard).toMatchObject({
    status: 'ready',
    ready: true,
    preReady: true,
    connecting: false,
    lastHeartbeatAck: true,
  });
  expect(shard?.presence.status).toBe('online');
  expect(client.uptime).toBeGreaterThanOrEqual(0);
  return seen;
}

it('a bot sees the same events and states of its shards as on an eris that connects by itself', async () => {
  const options = { guildCount: 6, shardCount: 1 };
  const simulator = await startSimulator(options);
  const { gateway } = createGateway(simulator, { shardIds: [0], shardCount: 1, intents: INTENTS });
  const ours = await story(simulator, gateway.client, () => gateway.connect());

  const other = await startSimulator(options);
  const rest = restOptions(other.url);
  const plain = new Client(`Bot ${other.token}`, { rest, intents: INTENTS, messageLimit: 0 });
  plain.on('error', () => {});
  onTestFinished(() => {
    plain.disconnect({ reconnect: false });
    rest.agent.destroy();
  });
  expect(ours).toEqual(await story(other, plain, () => plain.connect()));
});
