import type { CommandInteraction, Message } from 'eris';
import { describe, expect, it } from 'vitest';
import type { DispatchVerdict } from '../../../../src/cluster/gateway/index.js';
import type { GatewayPacket } from '../../../../src/core/discord/packets.js';
import type { Simulator } from '../../../../src/simulator/index.js';
import { createGateway, GUILDS, startSimulator, until } from '../../gateway/support.js';

function firstGuild(simulator: Simulator, shardId = 0): string {
  return simulator.guildIdsOfShard(shardId, 4)[0] ?? '';
}

describe("the bot's handlers", () => {
  it('may throw: the next handler and the next event are served, and it is logged', async () => {
    const simulator = await startSimulator();
    const { gateway, log } = createGateway(simulator);
    const seen: string[] = [];
    gateway.client.on('messageCreate', () => {
      throw new Error('a mistake of the bot');
    });
    gateway.client.on('messageCreate', (message: Message) => void seen.push(message.content));
    await gateway.connect();
    simulator.sendMessage({ guildId: firstGuild(simulator), content: 'one' });
    simulator.sendMessage({ guildId: firstGuild(simulator), content: 'two' });
    await until(() => expect(seen).toEqual(['one', 'two']));
    const logged = log.lines.filter(({ level }) => level === 50);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatchObject({ event: 'messageCreate', err: { message: 'a mistake of the bot' } });
  });

  it('may reject, with anything', async () => {
    const simulator = await startSimulator();
    const { gateway, log } = createGateway(simulator);
    gateway.client.on('messageCreate', async (message: Message) => {
      if (message.content === 'error') throw new Error(`rejected with ${simulator.token}`);
      throw { odd: true };
    });
    await gateway.connect();
    simulator.sendMessage({ guildId: firstGuild(simulator), content: 'error' });
    simulator.sendMessage({ guildId: firstGuild(simulator), content: 'object' });
    await until(() => expect(log.lines.filter(({ level }) => level === 50)).toHaveLength(2));
    expect(log.text()).toContain('rejected with [token]');
    expect(log.text()).toContain('odd: true');
    expect(log.text()).not.toContain(simulator.token);
  });

  it('may throw while a shard gets ready', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    for (const event of ['connect', 'hello', 'shardPreReady', 'shardReady', 'ready'] as const) {
      gateway.client.on(event, () => {
        throw new Error(event);
      });
    }
    await gateway.connect();
    expect(gateway.client.ready).toBe(true);
  });

  it('are called once by once()', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    const seen: string[] = [];
    gateway.client.once('messageCreate', (message: Message) => void seen.push(`once ${message.content}`));
    gateway.client.on('messageCreate', (message: Message) => void seen.push(message.content));
    await gateway.connect();
    for (const content of ['1', '2']) simulator.sendMessage({ guildId: firstGuild(simulator), content });
    await until(() => expect(seen).toEqual(['once 1', '1', '2']));
  });

  it('need not listen for error events, nor survive removing every listener of them', async () => {
    const simulator = await startSimulator();
    const { gateway, log, states } = createGateway(simulator);
    await gateway.connect();
    gateway.client.removeAllListeners('error');
    states.length = 0;
    // Without a role in it: eris throws.
    simulator.emitGuildEvent('GUILD_ROLE_CREATE', firstGuild(simulator), { guild_id: firstGuild(simulator) });
    await until(() => expect(log.text()).toContain('The client reports an error'));
    simulator.faults.dropSocket(0, { terminate: true });
    await until(() => expect(states.at(-1)?.state).toBe('ready'));
  });
});

describe('an interaction', () => {
  async function start(intents = GUILDS) {
    const simulator = await startSimulator({ interactionDeadlineMs: 2_000 });
    const opened = createGateway(simulator, { intents });
    const interactions: CommandInteraction[] = [];
    opened.gateway.client.on('interactionCreate', async (interaction) => {
      interactions.push(interaction as CommandInteraction);
      await (interaction as CommandInteraction).createMessage('answer');
    });
    await opened.gateway.connect();
    return { simulator, ...opened, interactions };
  }

  it('from a guild in the cache has its member', async () => {
    const { simulator, interactions } = await start();
    const guildId = firstGuild(simulator);
    await simulator.runCommand({ name: 'ping', guildId }).answered;
    expect(interactions[0]?.member?.guild.id).toBe(guildId);
  });

  it('from a guild that is not in the cache is answered, with the user instead of the member', async () => {
    const { simulator, gateway, interactions, log } = await start();
    const guildId = firstGuild(simulator);
    gateway.client.guilds.delete(guildId);
    const interaction = simulator.runCommand({ name: 'ping', guildId });
    expect((await interaction.answered).content).toBe('answer');
    expect(interactions[0]).toMatchObject({ guildID: guildId, user: { id: interaction.entry.userId } });
    expect(log.lines.filter(({ level }) => level === 50)).toEqual([]);
  });

  it('from a channel that is not in the cache is answered', async () => {
    const { simulator, gateway, interactions } = await start();
    const guildId = firstGuild(simulator);
    const channelId = simulator.channelIdOf(guildId);
    gateway.client.guilds.get(guildId)?.channels.delete(channelId);
    gateway.client.guilds.get(guildId)?.members.clear();
    await simulator.runCommand({ name: 'ping', guildId, channelId }).answered;
    expect(interactions[0]?.member?.id).toBe(simulator.account.interactions[0]?.userId);
  });
});

describe('a dispatch', () => {
  it('that eris would choke on is passed over, and the sequence goes on', async () => {
    const simulator = await startSimulator();
    const { gateway, log } = createGateway(simulator, { shardIds: [0] });
    await gateway.connect();
    const guildId = firstGuild(simulator);
    gateway.client.guilds.delete(guildId);
    const before = gateway.client.shards.get(0)?.seq ?? 0;
    simulator.guilds.createChannel(guildId);
    simulator.guilds.createThread(simulator.channelIdOf(guildId));
    await until(() => expect(gateway.client.shards.get(0)?.seq).toBe(before + 2));
    expect(log.lines.filter(({ level }) => level >= 40)).toEqual([]);
  });

  it('is shown to onDispatch after eris has handled it, even where that failed', async () => {
    const simulator = await startSimulator();
    const shown: [number, GatewayPacket, number | undefined][] = [];
    const { gateway, log } = createGateway(simulator, {
      shardIds: [0],
      onDispatch: (shardId, packet) => {
        shown.push([shardId, packet, gateway.client.shards.get(0)?.seq]);
        throw new Error('the store is broken');
      },
    });
    await gateway.connect();
    // Without a role in it.
    simulator.emitGuildEvent('GUILD_ROLE_CREATE', firstGuild(simulator), { guild_id: firstGuild(simulator) });
    await until(() => expect(shown.at(-1)?.[1].t).toBe('GUILD_ROLE_CREATE'));
    expect(log.text()).toContain('The client reports an error');
    expect(shown[0]?.[1].t).toBe('READY');
    expect(shown.map(([, { s }]) => s)).toEqual(shown.map((_, i) => i + 1));
    expect(shown.every(([shardId, { s }, seq]) => shardId === 0 && s === seq)).toBe(true);
    expect(gateway.eventCount).toBe(shown.length);
  });

  it.each<[DispatchVerdict, number, boolean]>([
    ['handle', 1, true],
    ['mute', 0, true],
    ['skip', 0, false],
  ])('judged %s calls %i handlers (cached: %s)', async (verdict, handlers, cached) => {
    const simulator = await startSimulator();
    const judged: string[] = [];
    const { gateway } = createGateway(simulator, {
      shardIds: [0],
      judgeDispatch: (_shardId, { t }) => {
        judged.push(String(t));
        return t === 'CHANNEL_CREATE' ? verdict : 'handle';
      },
    });
    let called = 0;
    gateway.client.on('channelCreate', () => void called++);
    await gateway.connect();
    expect(judged).not.toContain('READY');
    const before = gateway.eventCount;
    const channel = simulator.guilds.createChannel(firstGuild(simulator));
    await until(() => expect(gateway.eventCount).toBe(before + 1));
    expect(called).toBe(handlers);
    expect(gateway.client.guilds.get(firstGuild(simulator))?.channels.has(channel.id)).toBe(cached);
  });

  it('that ends a guild leaves nothing of it in the cache, and keeps what others share', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    const { client } = gateway;
    const guildId = firstGuild(simulator);
    const members = [...(client.guilds.get(guildId)?.members.keys() ?? [])];
    expect(Object.values(client.threadGuildMap)).toContain(guildId);
    simulator.guilds.leave(guildId);
    await until(() => expect(client.guilds.has(guildId)).toBe(false));
    expect(Object.values(client.channelGuildMap)).not.toContain(guildId);
    expect(Object.values(client.threadGuildMap)).not.toContain(guildId);
    for (const id of members) {
      const shared = id === client.user.id || [...client.guilds.values()].some((guild) => guild.members.has(id));
      expect(client.users.has(id)).toBe(shared);
    }
  });

  it('that makes a guild unavailable for a while keeps its users', async () => {
    const simulator = await startSimulator();
    const { gateway } = createGateway(simulator);
    await gateway.connect();
    const users = gateway.client.users.size;
    simulator.guilds.fail(firstGuild(simulator));
    await until(() => expect(gateway.client.unavailableGuilds.size).toBe(1));
    simulator.guilds.recover(firstGuild(simulator));
    await until(() => expect(gateway.client.unavailableGuilds.size).toBe(0));
    expect(gateway.client.users.size).toBe(users);
    expect(gateway.client.guilds.size).toBe(24);
  });
});

it('with `getAllUsers` a bot is ready when the members of every guild are there', async () => {
  const simulator = await startSimulator({ guildCount: 6, shardCount: 1 });
  const { gateway } = createGateway(simulator, {
    ...{ shardIds: [0], shardCount: 1 },
    ...{ intents: GUILDS | (1 << 1), clientOptions: { getAllUsers: true } },
  });
  const { client } = gateway;
  const members = () => [...client.guilds.values()].map((guild) => [guild.members.size, guild.memberCount]);
  let atReady: number[][] = [];
  let ready = 0;
  client.on('ready', () => {
    ready++;
    atReady = members();
  });
  await gateway.connect();
  await until(() => expect(ready).toBe(1));
  expect(atReady).toHaveLength(6);
  for (const [cached, all] of atReady) expect(cached).toBe(all);
  expect(simulator.account.violations).toEqual([]);
});

it('a guild that was unavailable when the bot left it, while its session was lost, is told too and forgotten', async () => {
  const simulator = await startSimulator();
  const { gateway, states } = createGateway(simulator);
  const { client } = gateway;
  const left: string[] = [];
  client.on('guildDelete', ({ id }) => void left.push(id));
  await gateway.connect();
  const guildId = firstGuild(simulator);
  simulator.guilds.fail(guildId);
  await until(() => expect(client.unavailableGuilds.size).toBe(1));
  states.length = 0;
  simulator.faults.refuseConnections();
  simulator.faults.dropSocket(0, { terminate: true });
  simulator.guilds.leave(guildId);
  simulator.faults.expireSessions();
  await until(() => expect(states.some(({ state }) => state === 'disconnected')).toBe(true));
  simulator.faults.refuseConnections(0);
  await until(() => expect(states.at(-1)?.state).toBe('ready'));
  expect(left).toEqual([guildId]);
  expect(client.unavailableGuilds.size).toBe(0);
  expect([...gateway.adapter.guildIds(0)]).not.toContain(guildId);
});
